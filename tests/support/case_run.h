#pragma once
#include <string>
#include <vector>

#include "tests/support/contained_run.h"
#include "tests/support/expectation.h"
#include "tests/support/scratch.h"

namespace fptrace::testing {

// One program of tests/programs and the expectation beside it.
struct Case {
  std::string name;     // "05_chain_relative"
  std::string expect;   // path of the .expect file
  std::string program;  // path of what is run
};

// Every case there is, by name. An error names programs without expectation and the reverse.
Result<std::vector<Case>> all_cases(const std::string& source_dir, const std::string& program_dir);

// FPTRACE_NO_SECCOMP: why no seccomp filter can be installed on this machine (./dev test asks
// `fptrace doctor`). What needs one skips with it: to try could hang for ever.
std::optional<std::string> no_seccomp();

// What a run showed from outside.
struct Observed {
  RunResult run;
  std::string output, errors;
};

// Runs cases in one scratch directory; each run finds it freshly set up.
class CaseRunner {
 public:
  CaseRunner(const Case& a_case, std::string program_dir, bool torture);

  // Everything the case needs is here; otherwise the reason why not.
  Result<void> prepare();
  const Expectation& expectation() const { return expectation_; }
  void keep() { scratch_->keep(); }
  std::string work() const { return scratch_->work(); }
  std::string results() const { return scratch_->results(); }
  // What to run, and the program itself.
  std::vector<std::string> command() const;
  std::string program() const;
  std::string program_dir() const { return program_dir_; }
  // All that the program may use besides what it is linked with: the scratch directory, and the
  // helpers among the programs.
  std::vector<std::string> needed() const;

  // Starts what the case wants beside it, then becomes the program itself.
  Result<Observed> run_untraced();
  // The same with `trace` in place of the program: called in the process that is to be the tracer,
  // with the pid to attach to, or 0 to run command() itself. `attached` is to be called then.
  using Trace = std::function<int(pid_t attach_to, const std::function<void()>& attached)>;
  struct Surroundings {
    bool pipes = false;     // standard output and error are pipes, not files
    bool in_guest = false;  // the program runs in a virtual machine, which takes its time
  };
  Result<Observed> run_traced(const Trace& trace, Surroundings around);

 private:
  int body(const Trace* trace);
  int attach_body(const Trace* trace);
  Result<Observed> run(const Trace* trace, Surroundings around);

  Case case_;
  std::string program_dir_;
  bool torture_;
  std::optional<Scratch> scratch_;
  Expectation expectation_;
};

}  // namespace fptrace::testing
