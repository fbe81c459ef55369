#include "frontends/cli/machine_session.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <ctime>

namespace fptrace::cli {

Interruption::Interruption() {
  sigemptyset(&set_);
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction action {};
    // What the caller ignores (nohup) stays ignored.
    if (::sigaction(s, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&set_, s);
  }
  ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  waiter_ = std::jthread([this](std::stop_token ended) {
    constexpr timespec kLook{0, 50'000'000};
    while (!ended.stop_requested()) {
      const int s = ::sigtimedwait(&set_, nullptr, &kLook);
      if (s <= 0) continue;
      signal_ = s;
      stop_.request_stop();
    }
  });
}

Interruption::~Interruption() {
  waiter_.request_stop();
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
