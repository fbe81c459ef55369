// Every program of tests/programs without a tracer: it shows what it says it shows.
#include "tests/support/case_test.h"

namespace fptrace::testing {
namespace {

class UntracedCase : public CaseTest {
 public:
  using CaseTest::CaseTest;
  void TestBody() override {}  // SetUp has shown it
};

}  // namespace
}  // namespace fptrace::testing

int main(int argc, char** argv) {
  using namespace fptrace::testing;
  for (const auto& one : cases()) {
    add_test("Conformance/Untraced", one, [one] { return new UntracedCase(one, false); });
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
