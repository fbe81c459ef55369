#include "tests/support/case_test.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace fptrace::testing {
namespace {

constexpr const char* kSources = FPTRACE_TEST_SOURCES;
constexpr const char* kPrograms = FPTRACE_TEST_PROGRAMS;
constexpr int kSkipCode = 77;  // automake's convention; see check.h

}  // namespace

std::string text(const ExitStatus& status) {
  return status.signal ? "death by signal " + std::to_string(status.signal)
                       : "exit " + std::to_string(status.code);
}

std::string first_lines(const std::string& all, size_t limit) {
  return all.size() <= limit ? all : all.substr(0, limit) + "\n[...]\n";
}

CaseTest::CaseTest(Case a_case, bool torture)
    : case_(std::move(a_case)), runner_(case_, kPrograms, torture), torture_(torture) {}

void CaseTest::SetUp() {
  if (torture_ && std::getenv("FPTRACE_TORTURE") == nullptr) {
    GTEST_SKIP() << "a torture test: set FPTRACE_TORTURE=1 (ctest -L torture)";
  }
  if (const auto ok = runner_.prepare(); !ok) {
    if (ok.error().code == Errc::kUnsupported) GTEST_SKIP() << ok.error().what;
    FAIL() << ok.error().what;
  }
  auto seen = runner_.run_untraced();
  ASSERT_TRUE(seen) << seen.error().what;
  if (seen->run.status == ExitStatus{kSkipCode, 0}) GTEST_SKIP() << seen->errors;
  untraced_ = *std::move(seen);
  ASSERT_FALSE(untraced_.run.hung) << "untraced, it hangs\n" << untraced_.errors;
  expect_status(untraced_.run.status, "untraced\n" + untraced_.errors);
}

void CaseTest::TearDown() {
  if (!HasFailure() || expectation().about.empty()) return;
  runner_.keep();
  std::string command;
  for (const auto& word : runner_.command()) command += " " + word;
  std::cerr << "kept: " << runner_.work() << "\nto repeat: cd " << runner_.work()
            << " && W=$PWD P=" << kPrograms << command << "\n";
}

void CaseTest::expect_status(const ExitStatus& status, const std::string& errors) const {
  const ExitStatus want{expectation().exit_code, expectation().exit_signal};
  ASSERT_EQ(text(status), text(want)) << first_lines(errors);
}

const std::vector<Case>& cases() {
  static const auto all = all_cases(kSources, kPrograms);
  if (!all) {
    std::fprintf(stderr, "%s\n", all.error().what.c_str());
    std::exit(2);
  }
  return *all;
}

std::string program_dir() { return kPrograms; }

bool scaled(const Case& one) {
  const auto expect = read_file(one.expect);
  return expect && ("\n" + *expect).find("\nscale:") != std::string::npos;
}

void add_test(const std::string& suite, const Case& one, const MakeTest& make) {
  ::testing::RegisterTest(suite.c_str(), ("Case" + one.name).c_str(), nullptr, nullptr,
                          one.expect.c_str(), 1, make);
}

}  // namespace fptrace::testing
