#pragma once
#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"

namespace fptrace::emu {

// Whether threads that wake each other all the time should share a processor: yes, unless somebody
// else wants it, or others work along, whom they wait for by looking.
class SharingPolicy {
 public:
  struct Interval {
    std::chrono::nanoseconds passed{};
    std::chrono::nanoseconds waited{};  // the thread that ran most, ready to run
    std::chrono::nanoseconds beside{};  // ran those who work along
  };
  bool should_share(const Interval& interval);

 private:
  int intervals_apart_ = 1;  // to go: at first the scheduler finds a place that is free
};

// What it takes now to wake a thread that sleeps on another processor; measured, in some
// milliseconds. It depends on the host: some 2 us where the hardware is its own, 5 to 20 in a
// virtual machine, as an interrupt to an idle processor is its hypervisor's business.
std::chrono::nanoseconds cost_of_waking();

// Keeps the threads of a process on one processor as SharingPolicy says, until it is destroyed, and
// with them one of the caller's that takes turns with them. Those whose name begins with "fptrace"
// work along and go where they like.
//
// The thread that runs the guest wakes QEMU's main loop, and its monitor, thousands of times a
// second, and in a replay under a plugin the thread that answers it. Where waking is dear that is
// up to a quarter of the time; where it is not, two processors do more than one.
//
// Does nothing where there is one processor, where waking is not dear (unless `always`), or where
// the kernel does not tell how long threads wait (proc(5): /proc/PID/task/TID/schedstat,
// CONFIG_SCHED_INFO).
class SameProcessor {
 public:
  explicit SameProcessor(pid_t process, bool always = false);
  SameProcessor(const SameProcessor&) = delete;
  SameProcessor& operator=(const SameProcessor&) = delete;

  // A thread of the calling process that outlives this; it then may run again where it could.
  void take_along(pid_t thread) { along_ = thread; }

 private:
  struct Times {
    std::chrono::nanoseconds ran, waited;
  };
  struct Thread {
    pid_t number = 0;
    bool own = false;        // its name says so
    uint32_t processor = 0;  // where it ran last
    Times times{};           // in the last interval
  };
  void run(const std::stop_token& stop);
  void keep(const cpu_set_t& allowed, const std::stop_token& stop);
  std::vector<Thread> list_threads();

  const bool always_;
  std::atomic<pid_t> along_ = 0;  // 0: none
  UniqueFd tasks_;                // /proc/PID/task: nobody else's, even if the number is used again
  std::map<pid_t, Times> before_;  // since each began
  std::mutex mutex_;
  std::condition_variable_any asked_to_stop_;
  std::jthread thread_;  // the last: it uses the others
};

}  // namespace fptrace::emu
