#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "common/base/child_process.h"

namespace fptrace::testing {

// A run that cannot harm the test: in a session of its own, below a process that adopts every
// orphan, with a deadline after which everything is killed.
struct ContainedRun {
  std::string cwd;
  std::string input;   // file for stdin; empty: /dev/null
  std::string output;  // files for stdout and stderr, truncated
  std::string errors;
  bool pipes = false;            // stdout and stderr are pipes whose other ends write these files
  std::vector<std::string> env;  // all of it
  std::string user;              // empty: the caller's
  std::chrono::milliseconds limit{60000};  // for the main process and all that it leaves behind
};

struct RunResult {
  ExitStatus status;  // of the main process
  bool hung = false;  // the deadline passed: everything was killed
  bool operator==(const RunResult&) const = default;
};

// Runs `body` in a new process (its return value is the exit code) and waits until that process and
// everything it started, daemons included, have ended.
Result<RunResult> run_contained(const ContainedRun& how, const std::function<int()>& body);

// Execs `argv`, or ends the process with 127 and a message on stderr. For use as a body.
int exec_or_127(const std::vector<std::string>& argv);

}  // namespace fptrace::testing
