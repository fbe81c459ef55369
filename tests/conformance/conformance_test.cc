// Every program of tests/programs against every backend: what the manifest must say of it, that
// the program does not notice, and that all backends agree. See tests/programs/README.md.
#include <algorithm>
#include <sstream>
#include <string>

#include "tests/support/backend_param.h"
#include "tests/support/case_test.h"
#include "tests/support/manifest_check.h"
#include "tests/support/traced_case.h"

namespace fptrace::testing {
namespace {

class TracedTest : public CaseTest {
 public:
  using CaseTest::CaseTest;

 protected:
  // Runs the case under `backend`. Skips, or fails the test, where that cannot be.
  void trace(const Backend& backend, TracedCase& traced, bool pipes = false) {
    auto result = run_traced_case(backend, runner_, pipes);
    ASSERT_TRUE(result) << result.error().what;
    traced = *std::move(result);
    ASSERT_FALSE(traced.observed.run.hung) << backend.name << ": it hangs\n"
                                           << first_lines(traced.observed.errors);
    if (!traced.unsupported.empty()) {
      // Without root there may be no way to install a filter; the program must run all the same.
      const bool excused = !expectation().user.empty() || !required(backend.family);
      if (excused) GTEST_SKIP() << traced.unsupported;
      FAIL() << "required, but cannot run: " << traced.unsupported;
    }
    ASSERT_EQ(traced.failure, "") << first_lines(traced.observed.errors);
  }
};

// The lines of `text` that `other` lacks: the manifest has one entry a line.
std::string lines_of_one(const std::string& name, const std::string& text,
                         const std::string& other) {
  std::string out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (other.find(line) == std::string::npos) out += name + ": " + line.substr(0, 300) + "\n";
  }
  return out;
}

// A guest has a kernel and a processor of its own: the loader looks where libraries for newer ones
// may lie.
std::string without_the_machine(const std::string& manifest) {
  constexpr const char* kMachine[] = {"\"backend\":", "\"kernel\":", "/glibc-hwcaps/x86-64-v"};
  std::string out;
  std::istringstream in(manifest);
  for (std::string line; std::getline(in, line);) {
    const bool machine = std::ranges::any_of(
        kMachine, [&line](const char* what) { return line.find(what) != line.npos; });
    if (!machine) out += line + "\n";
  }
  return out;
}

class BackendCase : public TracedTest {
 public:
  BackendCase(const Backend& backend, const Case& a_case, bool torture)
      : TracedTest(a_case, torture), backend_(backend) {}
  void TestBody() override {
    if (const auto why = backend_.unfit(expectation()); !why.empty()) GTEST_SKIP() << why;
    TracedCase traced;
    trace(backend_, traced);
    if (HasFatalFailure() || IsSkipped()) return;
    expect_transparent(traced);
    expect_truth(traced);
    if (backend_.in_guest && !HasFailure()) expect_as_on_this_host(traced);
  }

 private:
  // The same program, traced here: its manifest, and what its processes did.
  void expect_as_on_this_host(const TracedCase& guest) {
    if (!expectation().compare_modes || !expectation().only.empty()) return;
    for (const auto& backend : backends()) {
      if (backend.in_guest || !backend.unfit(expectation()).empty()) continue;
      TracedCase host;
      trace(backend, host, true);
      if (HasFatalFailure() || IsSkipped()) return;
      const std::string ours = without_the_machine(host.manifest_json);
      const std::string theirs = without_the_machine(guest.manifest_json);
      const auto differs = expectation().differs.find(backend_.name);
      EXPECT_EQ(ours == theirs, differs == expectation().differs.end())
          << lines_of_one(backend.name, ours, theirs) << lines_of_one(backend_.name, theirs, ours);
      EXPECT_EQ(host.processes, guest.processes);
      return;
    }
  }

  void expect_transparent(const TracedCase& traced) {
    expect_status(traced.status, traced.observed.errors);
    if (expectation().warnings) {
      EXPECT_EQ(traced.warnings, *expectation().warnings) << first_lines(traced.observed.errors);
    }
    if (!expectation().compare_untraced) return;
    EXPECT_EQ(first_lines(traced.observed.output), first_lines(untraced_.output))
        << "stdout is another than untraced";
  }
  void expect_truth(const TracedCase& traced) {
    const auto complaints = check_manifest(traced.manifest, expected_here(),
                                           {runner_.work(), program_dir()}, runner_.program());
    for (const auto& complaint : complaints) ADD_FAILURE() << complaint;
    for (const auto& broken : traced.broken_invariants) ADD_FAILURE() << "invariant: " << broken;
    if (!expectation().processes.empty()) { EXPECT_EQ(traced.processes, expectation().processes); }
  }

  // With only the gaps that this backend must have. What a log holds was traced by whichever kind
  // of stop worked, so there they may be.
  Expectation expected_here() const {
    Expectation here = expectation();
    std::vector<ExpectedGap> gaps;
    for (const auto& gap : here.gaps) {
      if (gap.on.empty() || gap.on.contains(backend_.name)) {
        gaps.push_back(gap);
      } else if (backend_.via_log) {
        here.allowed.push_back({gap.line, "gap", gap.glob});
      }
    }
    here.gaps = std::move(gaps);
    return here;
  }

  const Backend& backend_;
};

// What tells the tracer of a call must not show in the manifest.
class AgreementCase : public TracedTest {
 public:
  using TracedTest::TracedTest;
  void TestBody() override {
    if (!expectation().compare_modes || !expectation().only.empty()) {
      GTEST_SKIP() << "the case says that its runs may differ";
    }
    std::string first, first_name;
    for (const auto& backend : backends()) {
      if (backend.in_guest || !backend.unfit(expectation()).empty()) continue;
      TracedCase traced;
      trace(backend, traced);
      if (HasFatalFailure() || IsSkipped()) return;
      const std::string manifest = without_the_machine(traced.manifest_json);
      if (first_name.empty()) {
        first = manifest;
        first_name = backend.name;
      } else {
        EXPECT_TRUE(manifest == first) << lines_of_one(first_name, first, manifest)
                                       << lines_of_one(backend.name, manifest, first);
      }
    }
  }
};

void add_backends(const std::string& prefix, const Case& one, bool torture) {
  for (const auto& backend : backends()) {
    add_test(prefix + backend.name, one,
             [&backend, one, torture] { return new BackendCase(backend, one, torture); });
  }
}

}  // namespace
}  // namespace fptrace::testing

int main(int argc, char** argv) {
  using namespace fptrace::testing;
  for (const auto& one : cases()) {
    add_backends("Conformance/", one, false);
    add_test("Conformance/Agreement", one, [one] { return new AgreementCase(one, false); });
    if (scaled(one)) add_backends("Torture/", one, true);
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
