#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event/tracer.h"

namespace fptrace::ptrace {

// What tells the tracer of a system call. The events are the same; the cost is not.
enum class Stops {
  kAuto,     // the first of the following that works here
  kNotify,   // seccomp user notifications; ptrace only where a result must be awaited
  kFilter,   // seccomp filter; two ptrace stops per call that matters
  kSyscall,  // two ptrace stops for each and every call; needs nothing but ptrace
};

// What becomes of processes that outlive the main program.
enum class Daemons {
  kFollow,  // traced to their end
  kDetach,  // let go, untraced (implies kSyscall: a filter without its tracer breaks programs)
  kKill,
};

struct Options {
  Stops stops = Stops::kAuto;
  Daemons daemons = Daemons::kFollow;
  // The program goes on if fptrace itself dies (implies kSyscall). Otherwise it is killed then.
  bool survive_tracer = false;
  // Report contents (ContentEvent).
  bool hash = true;
  // Keep the content of inputs that the run changes in this directory (InputStore); empty: do not.
  std::string save_inputs;
  // Tell of each open which object made it (OpenEvent::opener). Every open is then waited for with
  // ptrace and its caller's stack walked.
  bool openers = false;
  // Trace these running processes, all their threads, instead of a command.
  std::vector<pid_t> attach;
  // Called now and then on the tracer's thread with the number of events and processes so far.
  std::function<void(uint64_t events, uint64_t processes)> progress;
  // Called with one sentence about something the user should know; may be null.
  std::function<void(const std::string& sentence)> warn;
};

// Errors of run(): kTracee when the program could not be started (sys: the errno of execve),
// kPermission when tracing is not allowed here. One run() at a time in a process: it takes over
// SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP and SIGTSTP while it runs.
Result<std::unique_ptr<Tracer>> make_tracer(Options options);

}  // namespace fptrace::ptrace
