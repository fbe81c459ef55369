#include "frontends/cli/machine_session.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>

namespace fptrace::cli {

Interruption::Interruption() {
  sigemptyset(&set_);
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction action {};
    // What the caller ignores (nohup) stays ignored.
    if (::sigaction(s, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&set_, s);
  }
  ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  ended_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  waiter_ = std::thread([this] { wait_for_one(); });
}

void Interruption::wait_for_one() {
  const UniqueFd signals(::signalfd(-1, &set_, SFD_CLOEXEC));
  // With no descriptors left to be had there is nothing to wait with: signals stay blocked.
  pollfd fds[] = {{signals.get(), POLLIN, 0}, {ended_.get(), POLLIN, 0}};
  while (ended_ && fds[1].revents == 0) {
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
    signalfd_siginfo came{};
    if ((fds[0].revents & POLLIN) == 0 || ::read(fds[0].fd, &came, sizeof came) != sizeof came)
      continue;
    signal_ = int(came.ssi_signo);
    stop_.request_stop();
  }
}

Interruption::~Interruption() {
  const uint64_t one = 1;
  (void)!::write(ended_.get(), &one, sizeof one);
  waiter_.join();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool pass_through(emu::Stream stream, const char* data, size_t size) {
  const int fd = stream == emu::Stream::kOut ? STDOUT_FILENO : STDERR_FILENO;
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      pollfd p{fd, POLLOUT, 0};
      (void)::poll(&p, 1, -1);
      continue;
    }
    if (n < 0) return false;
    data += n;
    size -= size_t(n);
  }
  return true;
}

}  // namespace fptrace::cli
