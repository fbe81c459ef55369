#include "backends/ptrace/signals.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace fptrace::ptrace {
namespace {

constexpr int kHandled[] = {SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP};

// A handler can reach nothing but globals.
std::array<std::atomic<bool>, NSIG> arrived;
std::atomic<int> wake_fd = -1;
pthread_t waiting_thread;

void on_signal(int signo) {
  arrived[size_t(signo)].store(true, std::memory_order_relaxed);
  if (pthread_equal(pthread_self(), waiting_thread)) return;  // interrupts ppoll by itself
  const int saved_errno = errno;
  const uint64_t one = 1;
  (void)!::write(wake_fd.load(), &one, sizeof one);
  errno = saved_errno;
}

}  // namespace

Signals::Signals() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  waiting_thread = pthread_self();
  wake_fd = wake_.get();
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signo : kHandled) sigaddset(&handled, signo);
  pthread_sigmask(SIG_BLOCK, &handled, &original_mask_);
  wait_mask_ = original_mask_;
  for (const int signo : kHandled) {
    arrived[size_t(signo)] = false;
    sigdelset(&wait_mask_, signo);
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigfillset(&action.sa_mask);
    Saved saved{signo, {}};
    ::sigaction(signo, &action, &saved.action);
    saved_.push_back(saved);
  }
}

Signals::~Signals() {
  restore_dispositions();
  pthread_sigmask(SIG_SETMASK, &original_mask_, nullptr);
  wake_fd = -1;
}

bool Signals::wait(std::span<pollfd> fds, int timeout_ms) {
  polled_.assign(fds.begin(), fds.end());
  polled_.push_back({wake_.get(), POLLIN, 0});
  const timespec timeout{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  const int n =
      ::ppoll(polled_.data(), polled_.size(), timeout_ms < 0 ? nullptr : &timeout, &wait_mask_);
  for (size_t i = 0; i < fds.size(); ++i) fds[i].revents = n > 0 ? polled_[i].revents : short{0};
  if (n > 0) take_pending();
  if (n > 0 && polled_.back().revents != 0) {
    uint64_t count;
    (void)!::read(wake_.get(), &count, sizeof count);
  }
  return n != 0;
}

// ppoll lets no signal in while a descriptor is ready: on a busy one they would wait for ever.
void Signals::take_pending() {
  sigset_t pending;
  if (::sigpending(&pending) < 0) return;
  for (const int signo : kHandled) {
    if (!sigismember(&pending, signo)) continue;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signo);
    const timespec now{};
    if (::sigtimedwait(&one, nullptr, &now) == signo) arrived[size_t(signo)] = true;
  }
}

bool Signals::take(int signo) {
  return arrived[size_t(signo)].load(std::memory_order_relaxed) &&
         arrived[size_t(signo)].exchange(false);
}

void Signals::restore_dispositions() const {
  for (const Saved& s : saved_) ::sigaction(s.signo, &s.action, nullptr);
}

}  // namespace fptrace::ptrace
