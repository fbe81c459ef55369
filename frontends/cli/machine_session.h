#pragma once
#include <signal.h>

#include <atomic>
#include <stop_token>
#include <thread>

#include "backends/emu/recording/machine_run.h"
#include "common/base/child_process.h"
#include "common/base/unique_fd.h"

namespace fptrace::cli {

// As long as it lives, what would end fptrace (Ctrl-C, SIGTERM, SIGHUP, SIGQUIT) requests a stop
// instead, so that nothing is left behind. Make it before any other thread.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  int signal() const { return signal_; }  // that came; 0: none

 private:
  void wait_for_one();

  sigset_t set_{}, before_{};
  std::stop_source stop_;
  std::atomic<int> signal_ = 0;
  UniqueFd ended_;  // an eventfd that ends the thread
  std::thread waiter_;
};

// The program's streams to this process's own. A reader that has gone closes the stream.
bool pass_through(emu::Stream stream, const char* data, size_t size);

}  // namespace fptrace::cli
