#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/case_run.h"

namespace fptrace::testing {

std::string text(const ExitStatus& status);
std::string first_lines(const std::string& all, size_t limit = 2000);

// A test of one program of tests/programs. SetUp has run it untraced, in its own scratch directory,
// and seen it succeed: the scenario must work before anything can be said about a tracer.
class CaseTest : public ::testing::Test {
 public:
  CaseTest(Case a_case, bool torture);

 protected:
  void SetUp() override;
  void TearDown() override;  // after a failure: keeps the directory and says how to repeat the run
  const Expectation& expectation() const { return runner_.expectation(); }
  void expect_status(const ExitStatus& status, const std::string& errors) const;

  Case case_;
  CaseRunner runner_;
  Observed untraced_;
  bool torture_;
};

// The programs of this build; ends the process with a message when one has no expectation or the
// other way round.
const std::vector<Case>& cases();
std::string program_dir();
// Whether the case has a size of its own for torture runs.
bool scaled(const Case& one);

// Names are stable: `SUITE.CaseNN_name`.
using MakeTest = std::function<CaseTest*()>;
void add_test(const std::string& suite, const Case& one, const MakeTest& make);

}  // namespace fptrace::testing
