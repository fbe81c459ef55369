#pragma once
#include <string>
#include <vector>

#include "fingerprint/manifest.h"
#include "tests/support/backend_param.h"
#include "tests/support/case_run.h"

namespace fptrace::testing {

// What one traced run of a case left behind.
struct TracedCase {
  Observed observed;        // from outside the process that traced
  std::string unsupported;  // the backend cannot run here, and why; nothing below is filled in
  std::string failure;      // the tracer failed
  long warnings = 0;        // sentences for the user; they are in observed.errors
  ExitStatus status;        // of the program, as the tracer told it
  Manifest manifest;
  std::string manifest_json;
  std::vector<std::string> processes;  // process_lines()
  std::vector<std::string> broken_invariants;
};

// An error means that the test machinery failed, not the tracer.
// `pipes`: the program's standard output and error are pipes, as they are in a guest, not files.
Result<TracedCase> run_traced_case(const Backend& backend, CaseRunner& runner, bool pipes = false);

}  // namespace fptrace::testing
