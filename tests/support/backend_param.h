#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event/tracer.h"
#include "tests/support/expectation.h"

namespace fptrace::testing {

// What a case asks of a tracer; each backend translates it into its own options.
struct TraceRequest {
  Leftovers daemons = Leftovers::kFollow;
  std::vector<pid_t> attach;
  std::vector<std::string> needed;  // files and directories that the program uses
  std::function<void(const std::string& sentence)> warn;
};

// One way to get a trace of a program.
struct Backend {
  std::string name;       // "Notify": the part of a test's name before the case
  std::string family;     // "Ptrace": what FPTRACE_REQUIRE_BACKENDS calls it
  bool via_log = false;   // the events are written to a log and read back
  bool in_guest = false;  // the program runs on another kernel, and leaves nothing on this host
  // Why it is left out on this machine, even where its family is required; empty: it is not.
  std::string excluded;
  // Fails with the reason that it cannot run here.
  std::function<Result<std::unique_ptr<Tracer>>(const TraceRequest&)> make;
  // Why the case is not about this backend at all; empty when it is.
  std::string unfit(const Expectation& expectation) const;
};

// All backends that this build has. A test skips one that cannot run here, unless
// FPTRACE_REQUIRE_BACKENDS (a comma list, set in CI) names its family: then that is a failure.
const std::vector<Backend>& backends();
bool required(const std::string& family);

}  // namespace fptrace::testing
