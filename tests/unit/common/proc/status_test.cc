#include "common/proc/status.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace fptrace {
namespace {

constexpr std::string_view kGood =
    "Name:\ta) "
    "b\nTgid:\t12\nPid:\t13\nPPid:\t1\nTracerPid:\t7\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
    "CapEff:\t000001ffffffffff\nSigPnd:\t0000000040000000\nNoNewPrivs:\t1\nSeccomp:"
    "\t2\nSomethingNew:\twhatever 1 2\n";

TEST(ParseStatus, ReadsEveryFieldAndSkipsUnknownOnes) {
  const auto s = parse_status(kGood);
  ASSERT_TRUE(s) << s.error().what;
  EXPECT_EQ(
      *s, (TaskStatus{
              "a) b", 12, 13, 1, 7, {1, 2, 3, 4}, {5, 6, 7, 8}, 0x1ffffffffff, 0x40000000, 1, 2}));
}

struct Bad {
  const char* name;
  std::string_view text;
  const char* what;
};
void PrintTo(const Bad& b, std::ostream* os) { *os << b.name; }
class BadStatus : public ::testing::TestWithParam<Bad> {};

TEST_P(BadStatus, NamesTheLine) {
  const auto s = parse_status(GetParam().text);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().what, GetParam().what);
}
INSTANTIATE_TEST_SUITE_P(
    , BadStatus,
    ::testing::Values(Bad{"Empty", "", "status: Tgid, Pid or PPid is missing"},
                      Bad{"NoColon", "Name:\tx\nTgid 1\n", "status line 2: no colon"},
                      Bad{"NotANumber", "Pid:\tx\n", "status line 1: bad value of Pid"},
                      Bad{"PidOverflow", "Pid:\t99999999999\n", "status line 1: bad value of Pid"},
                      Bad{"ThreeUids", "Uid:\t1\t2\t3\n", "status line 1: bad value of Uid"},
                      Bad{"CutShort", "Pid:\t1", "status line 1: cut short"}),
    [](const auto& i) { return i.param.name; });

TEST(ReadStatus, OfThisProcess) {
  const auto s = read_status(::getpid());
  ASSERT_TRUE(s) << s.error().what;
  EXPECT_EQ(s->tgid, ::getpid());
  EXPECT_EQ(s->ppid, ::getppid());
}

}  // namespace
}  // namespace fptrace
