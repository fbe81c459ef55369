#include "backends/emu/taint/label_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace fptrace::emu::taint {

void PrintTo(const LabelRun& run, std::ostream* out) { *out << run.first << "-" << run.last; }

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<LabelRun> runs(const LabelSets& sets, LabelId id) {
  LabelRun single;
  const auto found = sets.runs(id, single);
  return {found.begin(), found.end()};
}

std::set<uint32_t> members(const LabelSets& sets, LabelId id) {
  std::set<uint32_t> all;
  for (const LabelRun run : runs(sets, id))
    for (uint32_t label = run.first; label <= run.last; ++label) all.insert(label);
  return all;
}

TEST(LabelSets, SingleLabelTakesNoMemory) {
  LabelSets sets;
  const uint64_t before = sets.bytes();
  for (uint32_t label = 0; label < 1000; ++label)
    EXPECT_THAT(runs(sets, LabelSets::single(label)), ElementsAre(LabelRun{label, label}));
  EXPECT_THAT(runs(sets, kNoLabel), IsEmpty());
  EXPECT_EQ(sets.stored(), 0u);
  EXPECT_EQ(sets.bytes(), before);
  EXPECT_EQ(sets.range(7, 7), LabelSets::single(7));
}

TEST(LabelSets, NeighboursBecomeOneRun) {
  LabelSets sets;
  LabelId all = kNoLabel;
  for (const uint32_t label : {5u, 1u, 2u, 4u, 9u}) all = sets.join(all, LabelSets::single(label));
  EXPECT_THAT(runs(sets, all), ElementsAre(LabelRun{1, 2}, LabelRun{4, 5}, LabelRun{9, 9}));
  EXPECT_THAT(runs(sets, sets.join(all, LabelSets::single(3))),
              ElementsAre(LabelRun{1, 5}, LabelRun{9, 9}));
  EXPECT_EQ(sets.join(sets.range(0, 4), sets.range(5, 8)), sets.range(0, 8));
}

TEST(LabelSets, PassingSetIsNotStoredUntilItIsKept) {
  LabelSets sets;
  const LabelId a = LabelSets::single(9), b = LabelSets::single(4);
  const LabelId passing = sets.join_passing(a, b),
                near = sets.join_passing(a, LabelSets::single(8));
  EXPECT_TRUE(LabelSets::is_passing(passing));
  EXPECT_FALSE(LabelSets::is_stored(passing));
  EXPECT_FALSE(LabelSets::is_passing(a) || LabelSets::is_passing(kNoLabel));
  EXPECT_FALSE(LabelSets::is_passing(LabelSets::single(kMostLabels - 1)));
  EXPECT_EQ(sets.stored(), 0u);
  EXPECT_THAT(runs(sets, passing), ElementsAre(LabelRun{4, 4}, LabelRun{9, 9}));
  EXPECT_THAT(runs(sets, near), ElementsAre(LabelRun{8, 9}));
  EXPECT_FALSE(sets.exists(passing)) << "for whoever asks from outside";
  const LabelId kept = sets.keep(passing);
  EXPECT_EQ(kept, sets.join(a, b));
  EXPECT_EQ(sets.keep(kept), kept);
  EXPECT_THAT(runs(sets, sets.join(passing, LabelSets::single(5))),
              ElementsAre(LabelRun{4, 5}, LabelRun{9, 9}));
  EXPECT_EQ(sets.join(near, passing), sets.join(sets.range(8, 9), kept)) << "whatever the order";
}

TEST(LabelSets, NothingPassesThatIsNoPairOrMoreThanThereIsRoomFor) {
  LabelSets sets;
  const LabelId a = LabelSets::single(9), range = sets.range(3, 5);
  EXPECT_EQ(sets.join_passing(a, a), a);
  EXPECT_EQ(sets.join_passing(a, kNoLabel), a);
  EXPECT_EQ(sets.join_passing(a, range), sets.join(a, range));
  std::vector<LabelId> all;
  for (uint32_t i = 0; i < 2000; ++i)
    all.push_back(sets.join_passing(LabelSets::single(10 * i), LabelSets::single(10 * i + 5)));
  EXPECT_TRUE(sets.many_passing());
  for (uint32_t i = 0; i < 2000; ++i)
    ASSERT_THAT(runs(sets, all[i]),
                ElementsAre(LabelRun{10 * i, 10 * i}, LabelRun{10 * i + 5, 10 * i + 5}));
  sets.forget_passing();
  EXPECT_FALSE(sets.many_passing());
}

TEST(LabelSets, DepthIsCountedOfWhatIsCompared) {
  LabelSets sets;
  sets.set_options({256, 10});
  const LabelId both = sets.join_passing(LabelSets::single(1), LabelSets::single(3));
  EXPECT_FALSE(LabelSets::is_passing(both));
  EXPECT_EQ(sets.depth(sets.computed(both)), 1u);
}

TEST(LabelSets, GreatestLabelsDoNotWrap) {
  LabelSets sets;
  const uint32_t last = kMostLabels - 1;
  EXPECT_THAT(runs(sets, sets.join(LabelSets::single(last), LabelSets::single(0))),
              ElementsAre(LabelRun{0, 0}, LabelRun{last, last}));
  EXPECT_THAT(runs(sets, sets.range(0, last)), ElementsAre(LabelRun{0, last}));
}

// Against std::set, with garbage collected in between.
TEST(LabelSets, RandomUnionsAreRightAndEqualSetsHaveEqualIds) {
  LabelSets sets;
  std::mt19937 random(1);
  std::vector<LabelId> ids;
  std::vector<std::set<uint32_t>> expected;
  for (uint32_t label = 0; label < 40; ++label) {
    ids.push_back(LabelSets::single(label));
    expected.push_back({label});
  }
  for (int step = 0; step < 20000; ++step) {
    const size_t a = random() % ids.size(), b = random() % ids.size(), to = random() % ids.size();
    const LabelId joined = sets.join(ids[a], ids[b]);
    std::set<uint32_t> both = expected[a];
    both.insert(expected[b].begin(), expected[b].end());
    ASSERT_EQ(members(sets, joined), both);
    ASSERT_EQ(sets.join(ids[b], ids[a]), joined);
    ids[to] = joined;
    expected[to] = std::move(both);
    if (random() % 4 == 0) {  // else all soon hold everything
      const size_t fresh = random() % ids.size();
      const auto label = uint32_t(random() % 40);
      ids[fresh] = LabelSets::single(label);
      expected[fresh] = {label};
    }
    if (step % 500 != 0) continue;
    sets.begin_collection();
    for (const LabelId id : ids) sets.mark(id);
    sets.end_collection();
    EXPECT_LE(sets.stored(), ids.size());
    for (size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(members(sets, ids[i]), expected[i]);
  }
}

TEST(LabelSets, CollectionFreesWhatIsNotMarkedAndKeepsIds) {
  LabelSets sets;
  const LabelId kept = sets.join(LabelSets::single(1), sets.range(5, 9));
  const LabelId gone = sets.range(100, 200);
  EXPECT_EQ(sets.stored(), 3u);
  sets.begin_collection();
  sets.mark(kept);
  sets.mark(kNoLabel);
  sets.mark(LabelSets::single(3));
  sets.end_collection();
  EXPECT_EQ(sets.stored(), 1u);
  EXPECT_TRUE(sets.exists(kept));
  EXPECT_FALSE(sets.exists(gone));
  EXPECT_FALSE(sets.exists(12345));
  // Neither the table nor the memo may still know what is gone.
  const LabelId again = sets.join(LabelSets::single(1), sets.range(5, 9));
  EXPECT_EQ(again, kept);
  EXPECT_THAT(runs(sets, sets.range(300, 400)), ElementsAre(LabelRun{300, 400}));
}

TEST(LabelSets, TooManyRunsAreMergedAndSaidSo) {
  LabelSets sets;
  sets.set_options({4, 0});
  LabelId all = kNoLabel;
  for (uint32_t i = 0; i < 4; ++i) all = sets.join(all, LabelSets::single(10 + 2 * i));
  EXPECT_EQ(runs(sets, all).size(), 4u);
  EXPECT_FALSE(sets.is_merged(all));
  EXPECT_FALSE(sets.any_merged());
  all = sets.join(all, LabelSets::single(30));
  EXPECT_THAT(runs(sets, all), ElementsAre(LabelRun{10, 30}));
  EXPECT_TRUE(sets.is_merged(all));
  EXPECT_TRUE(sets.any_merged());
  // It stays so in what is made of it, and is another set than that which is exact.
  EXPECT_TRUE(sets.is_merged(sets.join(all, LabelSets::single(40))));
  EXPECT_NE(all, sets.range(10, 30));
}

TEST(LabelSets, RunsTakeNoMoreMemoryThanTheirLimit) {
  LabelSets sets;
  const uint64_t base = sets.bytes();
  std::mt19937 random(2);
  std::vector<LabelId> row(64);
  for (int i = 0; i < 60000; ++i) {
    LabelId& id = row[random() % row.size()];
    id = sets.join(id, LabelSets::single(uint32_t(2 * (random() % 100000))));
  }
  const uint64_t table = sets.stored() * 2 * (32 + 4 * 4);
  EXPECT_TRUE(sets.any_merged());
  EXPECT_LE(sets.bytes(), base + table + LabelSets::kMostRunBytes);
}

TEST(LabelSets, WithoutDepthAComputationIsACopy) {
  LabelSets sets;
  EXPECT_EQ(sets.computed(LabelSets::single(1)), LabelSets::single(1));
  EXPECT_EQ(sets.depth(sets.range(1, 2)), 0u);
}

TEST(LabelSets, DepthCountsComputationsAndAUnionHasTheGreater) {
  LabelSets sets;
  sets.set_options({256, 3});
  const LabelId one = LabelSets::single(1);
  const LabelId deeper = sets.computed(one);
  EXPECT_NE(deeper, one);
  EXPECT_EQ(sets.computed(one), deeper);
  EXPECT_EQ(sets.depth(deeper), 1u);
  EXPECT_EQ(runs(sets, deeper), runs(sets, one));
  EXPECT_EQ(sets.join(one, deeper), deeper);
  EXPECT_EQ(sets.join(deeper, one), deeper);
  const LabelId two = sets.join(deeper, LabelSets::single(2));
  EXPECT_EQ(sets.depth(two), 1u);
  EXPECT_THAT(runs(sets, two), ElementsAre(LabelRun{1, 2}));
  LabelId last = two;
  for (int i = 0; i < 10; ++i) last = sets.computed(last);
  EXPECT_EQ(sets.depth(last), 3u);
  EXPECT_EQ(sets.computed(last), last);
  EXPECT_EQ(sets.computed(kNoLabel), kNoLabel);
}

}  // namespace
}  // namespace fptrace::emu::taint
