#include "common/event/taint_labels.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

TaintLabels set(std::vector<LabelRun> runs) { return {std::move(runs), false}; }

TEST(TaintLabels, UnionJoinsWhatTouches) {
  TaintLabels a = set({{0, 3}, {10, 12}});
  a.add(set({{4, 5}, {11, 20}, {30, 30}}));
  EXPECT_EQ(a, set({{0, 5}, {10, 20}, {30, 30}}));
  EXPECT_EQ(a.count(), 18u);
  a.add(set({{UINT32_MAX, UINT32_MAX}}));
  a.add(LabelRun{UINT32_MAX - 1, UINT32_MAX});
  EXPECT_EQ(a.runs.back(), (LabelRun{UINT32_MAX - 1, UINT32_MAX}));
}

TEST(TaintLabels, UnionWithAMergedOneIsMerged) {
  TaintLabels a = set({{1, 1}});
  a.add(TaintLabels{{{2, 9}}, true});
  EXPECT_EQ(a, (TaintLabels{{{1, 9}}, true}));
}

TEST(TaintLabels, DifferenceCutsRuns) {
  EXPECT_EQ(set({{0, 9}}).minus(set({{2, 3}, {9, 12}})), set({{0, 1}, {4, 8}}));
  EXPECT_EQ(set({{0, 9}}).minus(set({})), set({{0, 9}}));
  EXPECT_EQ(set({{0, 9}, {20, 29}}).minus(set({{5, 25}})), set({{0, 4}, {26, 29}}));
  EXPECT_EQ(set({{0, UINT32_MAX}}).minus(set({{0, UINT32_MAX}})), set({}));
  EXPECT_EQ(set({{3, 4}, {8, 9}}).minus(set({{0, 100}})), set({}));
}

TEST(TaintLabels, ContainsLooksInEveryRun) {
  const TaintLabels a = set({{0, 0}, {5, 7}});
  for (const uint32_t in : {0u, 5u, 7u}) EXPECT_TRUE(a.contains(in)) << in;
  for (const uint32_t out : {1u, 4u, 8u}) EXPECT_FALSE(a.contains(out)) << out;
}

TEST(TaintLabels, TextComesBack) {
  for (const char* text : {"", "0", "0-15,20", "~3", "~0-4294967295", "1,3,5-6"}) {
    const auto labels = parse_labels(text);
    ASSERT_TRUE(labels) << text;
    EXPECT_EQ(to_text(*labels), text);
  }
}

TEST(TaintLabels, OnlyWhatIsWrittenIsRead) {
  for (const char* text : {"a", "1-", "3-3", "5-2", "1,2", "1-4,5", "4,1", "1,", ",1", " 1", "1 ",
                           "4294967296", "-1", "~~1", "1,,3"})
    EXPECT_FALSE(parse_labels(text)) << text;
}

}  // namespace
}  // namespace fptrace
