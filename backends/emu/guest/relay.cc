#include "backends/emu/guest/relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <vector>

#include "backends/emu/guest/marker.h"
#include "backends/emu/guest/syscalls.h"

namespace fptrace::emu {
namespace {

void close_fd(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

}  // namespace

void Relay::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
    if (pid == 0) return;
    if (pid < 0) {
      all_ended_ = errno == ECHILD;
      return;
    }
    if (pid == program_.pid) status_ = status;
  }
}

void Relay::drop_input() {
  close_fd(program_.input);
  for (; !input_.empty(); input_.pop_front()) port_.dealt_with();
  taken_ = 0;
}

// Where a queued piece lies it stays until it was written.
void Relay::queue_input(std::string piece) {
  const std::string& queued = input_.emplace_back(std::move(piece));
  mark(Marker::kStdinBytes, uint64_t(queued.data()), queued.size(), input_bytes_);
  input_bytes_ += queued.size();
}

void Relay::feed_input() {
  while (!input_.empty()) {
    const std::string& first = input_.front();
    const ssize_t n = ::write(program_.input, first.data() + taken_, first.size() - taken_);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return drop_input();  // nobody reads it any more
    taken_ += size_t(n);
    if (taken_ < first.size()) return;
    input_.pop_front();
    taken_ = 0;
    port_.dealt_with();
  }
  if (input_ended_) close_fd(program_.input);
}

bool Relay::pass_output(int& fd, ToHost type) {
  char buffer[kMaxFrame];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n > 0) {
    port_.send(type, buffer, size_t(n));
    return true;
  }
  if (n == 0) close_fd(fd);
  return n < 0 && errno == EINTR;
}

void Relay::close_stream(const std::string& number) {
  uint32_t stream = 0;
  if (number.size() != sizeof stream) return;
  std::memcpy(&stream, number.data(), sizeof stream);
  if (stream == 1) close_fd(program_.output);
  if (stream == 2) close_fd(program_.error);
}

void Relay::send_signal(const std::string& number) {
  int32_t signal = 0;
  if (number.size() != sizeof signal) return;
  std::memcpy(&signal, number.data(), sizeof signal);
  // To its process group, as a terminal does; it leads one as long as it has not been reaped.
  (void)::kill(-program_.pid, signal);
}

void Relay::handle(Port::Frame frame) {
  switch (frame.type) {
    case ToGuest::kInput:
      if (program_.input < 0 || input_ended_) return port_.dealt_with();
      queue_input(std::move(frame.content));
      return feed_input();
    case ToGuest::kInputEnd:
      input_ended_ = true;
      return feed_input();
    case ToGuest::kClosed:
      return close_stream(frame.content);
    case ToGuest::kSignal:
      return send_signal(frame.content);
    case ToGuest::kJob:
    case ToGuest::kJobEnd:
      return;
  }
}

void Relay::wait(int signals) {
  std::vector<pollfd> fds{{signals, POLLIN, 0}, {port_.fd(), POLLIN, 0}};
  if (program_.output >= 0) fds.push_back({program_.output, POLLIN, 0});
  if (program_.error >= 0) fds.push_back({program_.error, POLLIN, 0});
  // A pipe whose reader has gone is told of by POLLERR, asked for or not.
  if (program_.input >= 0) fds.push_back({program_.input, short(input_.empty() ? 0 : POLLOUT), 0});
  if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) give_up_errno("cannot poll");
  for (const auto& p : fds) {
    if (p.revents == 0) continue;
    if (p.fd == signals) {
      signalfd_siginfo info;
      (void)!::read(signals, &info, sizeof info);
      reap();
    } else if (p.fd == port_.fd()) {
      port_.receive();
      while (auto frame = port_.next()) handle(*std::move(frame));
    } else if (p.fd == program_.output) {
      pass_output(program_.output, ToHost::kOutput);
    } else if (p.fd == program_.error) {
      pass_output(program_.error, ToHost::kError);
    } else if (p.fd == program_.input) {
      (p.revents & POLLERR) != 0 ? drop_input() : feed_input();
    }
  }
}

int Relay::run() {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  const int signals = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) give_up_errno("cannot make a signalfd");
  // What came with the job, and what ended before there was anybody to be told.
  while (auto frame = port_.next()) handle(*std::move(frame));
  reap();
  while (!all_ended_) wait(signals);
  while (program_.output >= 0 && pass_output(program_.output, ToHost::kOutput)) {}
  while (program_.error >= 0 && pass_output(program_.error, ToHost::kError)) {}
  return status_;
}

}  // namespace fptrace::emu
