#include "backends/emu/taint/findings.h"

#include <gtest/gtest.h>

namespace fptrace::emu::taint {
namespace {

constexpr uint64_t kTask = 0xffff888000001000, kOther = 0xffff888000002000;
constexpr uint32_t kReports = 3;

using Runs = std::vector<LabelRun>;

LabelId one(uint32_t label) { return LabelSets::single(label); }

TEST(Findings, SiteIsToldWhileItsSetGrows) {
  LabelSets sets;
  Findings findings(sets);
  const uint32_t holder = findings.holder_of(kTask);
  uint32_t site = 99;
  const auto note = [&](LabelId set, uint64_t count) {
    return findings.note(SiteKind::kBranch, holder, 0x401000, set, count, kReports, site);
  };
  EXPECT_TRUE(note(one(1), 10));
  EXPECT_EQ(site, 0u);
  EXPECT_FALSE(note(one(1), 11));
  EXPECT_TRUE(note(one(2), 12));
  EXPECT_FALSE(note(one(1), 13)) << "known, though not the last";
  EXPECT_TRUE(note(one(3), 14));
  EXPECT_FALSE(note(one(4), 15)) << "told often enough";
  ASSERT_EQ(findings.sites().size(), 1u);
  const Site& found = findings.sites()[0];
  EXPECT_EQ(found.labels.runs(), (Runs{{1, 4}})) << "counts all the same";
  EXPECT_EQ(found.times, 6u);
  EXPECT_EQ(found.reports, 3u);
  EXPECT_EQ(found.first_count, 10u);
}

TEST(Findings, PassingSetIsToldAsOneThatStays) {
  LabelSets sets;
  Findings findings(sets);
  const uint32_t holder = findings.holder_of(kTask);
  uint32_t site = 0;
  const auto note = [&](LabelId set) {
    return findings.note(SiteKind::kBranch, holder, 0x401000, set, 1, kReports, site);
  };
  EXPECT_EQ(note(sets.join_passing(one(1), one(5))), sets.join(one(1), one(5)));
  EXPECT_EQ(note(sets.join_passing(one(5), one(1))), kNoLabel) << "nothing of it is new";
  sets.forget_passing();
  const LabelId other = sets.join_passing(one(5), one(9));
  EXPECT_EQ(note(other), sets.join(one(5), one(9))) << "though its id came before";
  EXPECT_EQ(findings.sites()[0].labels.runs(), (Runs{{1, 1}, {5, 5}, {9, 9}}));
  EXPECT_EQ(findings.sites()[0].times, 3u);
}

// Many at a time, when nobody waits for an answer: none may be lost, whoever they are of.
TEST(Findings, WhatIsNotToldAnyMoreIsCountedAllTheSame) {
  LabelSets sets;
  Findings findings(sets);
  const uint32_t holder = findings.holder_of(kTask);
  uint32_t a = 99, b = 99;
  const auto note = [&](uint64_t vaddr, LabelId set, uint32_t reports, uint32_t& site) {
    return findings.note(SiteKind::kBranch, holder, vaddr, set, 1, reports, site);
  };
  ASSERT_TRUE(note(1, one(0), 1, a));
  ASSERT_TRUE(note(2, one(0), 1, b));
  for (uint32_t i = 1; i < 3000; ++i) {
    ASSERT_FALSE(note(1, sets.join_passing(one(4 * i), one(4 * i + 2)), 1, a));
    ASSERT_FALSE(note(2, one(i), 1, b));
    findings.hold(holder, one(10000 + i), 1);
    sets.forget_passing();
  }
  EXPECT_FALSE(note(1, one(4 * 2999), 2, a)) << "it has been there";
  EXPECT_EQ(findings.sites()[a].labels.runs().size(), 2u * 2999 + 1);
  EXPECT_EQ(findings.sites()[a].times, 3001u);
  EXPECT_EQ(findings.sites()[b].labels.runs(), (Runs{{0, 2999}}));
  EXPECT_EQ(findings.holders()[holder].labels.runs(), (Runs{{10001, 12999}}));
}

TEST(Findings, SitesDifferByKindTaskAndAddress) {
  LabelSets sets;
  Findings findings(sets);
  const uint32_t a = findings.holder_of(kTask), b = findings.holder_of(kOther);
  uint32_t site = 0;
  for (uint64_t vaddr = 0; vaddr < 5000; ++vaddr) {  // the table grows
    ASSERT_TRUE(findings.note(SiteKind::kBranch, a, vaddr, one(1), 1, kReports, site));
    ASSERT_EQ(site, vaddr * 3);
    ASSERT_TRUE(findings.note(SiteKind::kJump, a, vaddr, one(1), 1, kReports, site));
    ASSERT_TRUE(findings.note(SiteKind::kBranch, b, vaddr, one(1), 1, kReports, site));
  }
  ASSERT_FALSE(findings.note(SiteKind::kJump, a, 77, one(1), 1, kReports, site));
  EXPECT_EQ(site, 77u * 3 + 1);
  EXPECT_EQ(findings.sites().size(), 15000u);
}

TEST(Findings, TaskThatIsGoneIsAnotherThanTheNextAtItsAddress) {
  LabelSets sets;
  Findings findings(sets);
  const uint32_t first = findings.holder_of(kTask);
  EXPECT_EQ(findings.holder_of(kTask), first);
  EXPECT_TRUE(findings.hold(first, one(1), 5));
  EXPECT_FALSE(findings.hold(first, one(2), 6));
  findings.forget(kTask);
  const uint32_t second = findings.holder_of(kTask);
  EXPECT_NE(second, first);
  EXPECT_TRUE(findings.hold(second, one(2), 7)) << "what the first one had is not the second one's";
  EXPECT_EQ(findings.holders()[first].labels.runs(), (Runs{{1, 2}}));
  EXPECT_EQ(findings.holders()[first].first_count, 5u);
  EXPECT_TRUE(findings.holders()[first].gone);
  EXPECT_EQ(findings.holders()[second].labels.runs(), (Runs{{2, 2}}));
}

TEST(Findings, WhatWasToldOutlivesACollection) {
  LabelSets sets;
  Findings findings(sets);
  const uint32_t holder = findings.holder_of(kTask);
  uint32_t site = 0;
  const LabelId told = sets.range(10, 20), held = sets.range(30, 40);
  ASSERT_TRUE(findings.note(SiteKind::kJump, holder, 1, told, 1, kReports, site));
  ASSERT_TRUE(findings.note(SiteKind::kJump, holder, 1, one(50), 1, kReports, site));
  ASSERT_TRUE(findings.hold(holder, held, 1));
  const LabelId lost = sets.range(60, 70);
  sets.begin_collection();
  findings.mark();
  sets.end_collection();
  EXPECT_TRUE(sets.exists(told));
  EXPECT_TRUE(sets.exists(held));
  EXPECT_EQ(findings.sites()[0].labels.runs(), (Runs{{10, 20}, {50, 50}}));
  EXPECT_FALSE(sets.exists(lost));
}

TEST(LabelBitmap, HasWhatWasAddedAndTellsWhatIsNew) {
  LabelBitmap labels;
  EXPECT_TRUE(labels.empty());
  EXPECT_TRUE(labels.add({60, 200}));
  EXPECT_FALSE(labels.add({64, 127}));
  EXPECT_TRUE(labels.add({200, 201}));
  EXPECT_TRUE(labels.add({4095, 4096}));
  EXPECT_TRUE(labels.add({1000000, 1000000}));
  EXPECT_FALSE(labels.add({1000000, 1000000}));
  EXPECT_TRUE(labels.add({0, 0}));
  EXPECT_EQ(labels.runs(), (Runs{{0, 0}, {60, 201}, {4095, 4096}, {1000000, 1000000}}));
}

TEST(LabelBitmap, KnowsWhatIsNewOfALongRunThatGrowsEitherWay) {
  LabelBitmap labels;
  EXPECT_TRUE(labels.add({1000, 9000}));
  EXPECT_TRUE(labels.add({9500, 9500}));
  EXPECT_FALSE(labels.add({1000, 9000}));
  EXPECT_TRUE(labels.add({8000, 9500}));
  EXPECT_FALSE(labels.add({9001, 9500}));
  EXPECT_FALSE(labels.add({9500, 9500}));
  EXPECT_TRUE(labels.add({500, 9500}));
  EXPECT_FALSE(labels.add({500, 999}));
  EXPECT_TRUE(labels.add({9501, 9501}));
  EXPECT_EQ(labels.runs(), (Runs{{500, 9501}}));
}

}  // namespace
}  // namespace fptrace::emu::taint
