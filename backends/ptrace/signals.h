#pragma once
#include <poll.h>
#include <signal.h>

#include <span>
#include <vector>

#include "common/base/unique_fd.h"

namespace fptrace::ptrace {

// Takes over the signals that a tracer must handle itself while it lives, and puts everything back
// when it goes. They are blocked except inside wait(), so none is lost between a check and a wait.
// One instance at a time in a process.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Blocks until a signal arrives or one of `fds` is readable; says which in their `revents`.
  // Gives up after `timeout_ms` (-1: never); false then.
  bool wait(std::span<pollfd> fds, int timeout_ms);
  // True once after each arrival of `signo`.
  bool take(int signo);

  // For a child between fork and exec: what this process had before.
  void restore_dispositions() const;
  const sigset_t& original_mask() const { return original_mask_; }

 private:
  void take_pending();
  struct Saved {
    int signo;
    struct sigaction action;
  };
  std::vector<Saved> saved_;
  sigset_t original_mask_, wait_mask_;
  std::vector<pollfd> polled_;
  UniqueFd wake_;  // the handler writes here when it runs on another thread than wait()
};

}  // namespace fptrace::ptrace
