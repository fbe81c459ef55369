#include "common/analysis/timeline.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

using Kind = Timeline::Kind;
using Spans = std::vector<Timeline::Span>;

const Timeline::Who kShell{Kind::kProcess, 10, 1}, kCat{Kind::kProcess, 11, 2}, kIdle{Kind::kIdle},
    kKernel{Kind::kKernel};

TEST(Timeline, EachHasTheSpansInWhichItRan) {
  Timeline t;
  t.runs(5, kShell, "sh");
  t.runs(8, kIdle, "swapper/0");
  t.runs(10, kCat, "cat");
  t.runs(10, kKernel, "kworker");
  t.runs(12, kShell, "sh");
  t.ends(20);
  const auto rows = t.rows();
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0], (Timeline::Row{kShell, {"sh"}, 11, {{5, 8}, {12, 20}}}));
  EXPECT_EQ(rows[1], (Timeline::Row{kCat, {"cat"}, 0, {}}));
  EXPECT_EQ(rows[2].who, kKernel);
  EXPECT_EQ(rows[3], (Timeline::Row{kIdle, {"swapper/0"}, 2, {{8, 10}}}));
  EXPECT_EQ(t.begin(), 5u);
  EXPECT_EQ(t.end(), 20u);
}

TEST(Timeline, ThreadsOfOneProcessMakeOneSpan) {
  Timeline t;
  t.runs(0, kShell, "sh");
  t.runs(3, kShell, "sh");
  t.ends(7);
  EXPECT_EQ(t.rows()[0].spans, (Spans{{0, 7}}));
}

TEST(Timeline, KeepsEveryNameInOrder) {
  Timeline t;
  t.runs(0, kShell, "sh");
  t.named("sh");
  t.named("env");
  t.runs(2, kCat, "cat");
  t.runs(3, kShell, "python3");
  t.ends(4);
  EXPECT_EQ(t.rows()[0].names, (std::vector<std::string>{"sh", "env", "python3"}));
}

TEST(Timeline, ANumberThatIsUsedAgainIsAnotherProcess) {
  Timeline t;
  t.runs(0, kShell, "sh");
  t.runs(1, {Kind::kProcess, 10, 99}, "sh");
  t.ends(2);
  EXPECT_EQ(t.rows().size(), 2u);
}

TEST(Timeline, OfNobodyIsEmpty) {
  Timeline t;
  t.ends(0);
  EXPECT_TRUE(t.rows().empty());
}

}  // namespace
}  // namespace fptrace
