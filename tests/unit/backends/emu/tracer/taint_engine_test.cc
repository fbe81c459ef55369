#include "backends/emu/tracer/taint_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/emu/tracer/taint_request.h"

namespace fptrace::emu {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Sets = std::unordered_map<TaintSetId, DescribedSet>;

DescribedSet set(std::vector<LabelRun> runs, uint32_t depth = 0) {
  return {{std::move(runs), false}, depth};
}

TEST(SpansOf, LabelsOfACopyAreOneSpan) {
  Sets sets;
  std::vector<TaintSetId> ids{0};
  for (uint32_t i = 0; i < 16; ++i) {
    sets[i + 1] = set({{100 + i, 100 + i}});
    ids.push_back(i + 1);
  }
  EXPECT_THAT(spans_of(ids, sets),
              ElementsAre(LabelledSpan{1, 16, true, {{{100, 115}}, false}, 0}));
}

TEST(SpansOf, EqualSetsAreOneSpan) {
  const Sets sets{{7, set({{1, 2}, {9, 9}}, 3)}, {8, set({{1, 2}, {9, 9}}, 5)}};
  EXPECT_THAT(spans_of(std::vector<TaintSetId>{7, 7, 8, 0, 7}, sets),
              ElementsAre(LabelledSpan{0, 3, false, {{{1, 2}, {9, 9}}, false}, 5},
                          LabelledSpan{4, 1, false, {{{1, 2}, {9, 9}}, false}, 3}));
}

TEST(SpansOf, SameLabelTwiceIsNoCopy) {
  const Sets sets{{1, set({{5, 5}})}, {2, set({{6, 6}})}};
  EXPECT_THAT(spans_of(std::vector<TaintSetId>{1, 1, 2}, sets),
              ElementsAre(LabelledSpan{0, 2, false, {{{5, 5}}, false}, 0},
                          LabelledSpan{2, 1, false, {{{6, 6}}, false}, 0}));
  EXPECT_THAT(spans_of(std::vector<TaintSetId>{2, 1}, sets),
              ElementsAre(LabelledSpan{0, 1, false, {{{6, 6}}, false}, 0},
                          LabelledSpan{1, 1, false, {{{5, 5}}, false}, 0}));
}

TEST(SpansOf, NothingWithoutLabels) {
  EXPECT_THAT(spans_of(std::vector<TaintSetId>{0, 0}, {}), IsEmpty());
  EXPECT_THAT(spans_of({}, {}), IsEmpty());
}

TEST(AppendSpan, CopyGoesOnOverTheEndOfAPage) {
  std::vector<LabelledSpan> all;
  append_span(all, {4095, 1, false, {{{7, 7}}, false}, 0});
  append_span(all, {4096, 3, true, {{{8, 10}}, false}, 2});
  EXPECT_THAT(all, ElementsAre(LabelledSpan{4095, 4, true, {{{7, 10}}, false}, 2}));
  append_span(all, {5000, 1, false, {{{11, 11}}, false}, 0});
  EXPECT_EQ(all.size(), 2u);
}

TEST(ParseTaintFile, TakesAPathOrARangeOfIt) {
  const auto plain = parse_taint_file("in.bin");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->path, "in.bin");
  EXPECT_EQ(plain->from, 0u);
  EXPECT_EQ(plain->to, UINT64_MAX);
  const auto range = parse_taint_file("a:b:3-15");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->path, "a:b");
  EXPECT_EQ(range->from, 3u);
  EXPECT_EQ(range->to, 15u);
  const auto rest = parse_taint_file("a:3-");
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->to, UINT64_MAX);
  EXPECT_EQ(parse_taint_file("a:b")->path, "a:b");
  EXPECT_EQ(parse_taint_file("a:7")->path, "a:7");
}

TEST(ParseTaintFile, RefusesWhatIsNoRange) {
  for (const char* text :
       {"a:-5", "a:5-2", "a:1-2-3", "a:-", ":0-3", "", "a:1-99999999999999999999"})
    EXPECT_FALSE(parse_taint_file(text)) << text;
}

}  // namespace
}  // namespace fptrace::emu
