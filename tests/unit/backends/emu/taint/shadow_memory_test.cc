#include "backends/emu/taint/shadow_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace fptrace::emu::taint {
namespace {

constexpr LabelId kA = kSingleLabel | 5;  // any ids do
constexpr LabelId kB = 7;

TEST(ShadowMemory, HoldsNothingAtFirst) {
  ShadowMemory shadow;
  const uint8_t values[4] = {1, 2, 3, 4};
  LabelId labels[4] = {kA, kA, kA, kA};
  EXPECT_FALSE(shadow.load(0x1000, 4, values, labels));
  EXPECT_EQ(labels[3], kNoLabel);
  EXPECT_FALSE(shadow.any(0x1000, 4));
  EXPECT_EQ(shadow.find(0x1000), nullptr);
}

TEST(ShadowMemory, ByteOfAnotherValueHasLostItsLabel) {
  ShadowMemory shadow;
  const uint8_t values[4] = {1, 2, 3, 4}, changed[4] = {1, 9, 3, 4};
  const LabelId stored[4] = {kA, kB, kNoLabel, kA};
  shadow.store(0x1ffc, 4, values, stored);
  LabelId labels[4];
  EXPECT_TRUE(shadow.load(0x1ffc, 4, changed, labels));
  EXPECT_THAT(labels, ::testing::ElementsAre(kA, kNoLabel, kNoLabel, kA));
  EXPECT_EQ(shadow.labelled(), 2u);
  EXPECT_TRUE(shadow.load(0x1ffc, 4, values, labels));
  EXPECT_EQ(labels[1], kNoLabel) << "a label that was dropped must not come back";
}

TEST(ShadowMemory, GenerationChangesWhenAPageComes) {
  ShadowMemory shadow;
  const uint8_t value = 1;
  const uint64_t before = shadow.generation();
  shadow.store(0x1000, 1, &value, &kB);
  EXPECT_NE(shadow.generation(), before);
  const uint64_t after = shadow.generation();
  shadow.store(0x1001, 1, &value, &kB);
  shadow.clear(0x1000, 2);
  EXPECT_EQ(shadow.generation(), after);
  EXPECT_EQ(shadow.labelled(), 0u);
}

TEST(ShadowMemory, TakesFiveBytesForEachLabelledOne) {
  ShadowMemory shadow;
  const uint64_t before = shadow.bytes();
  const std::vector<uint8_t> values(kShadowPageSize, 1);
  const std::vector<LabelId> labels(kShadowPageSize, kA);
  for (uint64_t page = 0; page < 1000; ++page)
    shadow.store(page << 12, kShadowPageSize, values.data(), labels.data());
  EXPECT_EQ(shadow.labelled(), 1000u * kShadowPageSize);
  EXPECT_LE(shadow.bytes() - before, shadow.labelled() * 5 + (1 << 20));
}

TEST(ShadowMemory, LabelsThatFollowOneAnotherTakeLittle) {
  ShadowMemory shadow;
  const uint64_t before = shadow.bytes();
  std::vector<LabelId> labels(kShadowPageSize);
  const std::vector<uint8_t> values(kShadowPageSize, 1);
  for (uint64_t page = 0; page < 1000; ++page) {
    for (uint32_t i = 0; i < kShadowPageSize; ++i)
      labels[i] = LabelSets::single(uint32_t(page * kShadowPageSize + i));
    // As memcpy does, and all at once.
    for (uint32_t at = 0; page % 2 == 0 && at < kShadowPageSize; at += 8)
      shadow.store((page << 12) + at, 8, values.data(), labels.data() + at);
    if (page % 2 != 0) shadow.store(page << 12, kShadowPageSize, values.data(), labels.data());
  }
  EXPECT_EQ(shadow.labelled(), 1000u * kShadowPageSize);
  LabelId got[3];
  ASSERT_TRUE(shadow.load((500 << 12) + 62, 3, values.data(), got));
  EXPECT_EQ(got[2], LabelSets::single(500 * kShadowPageSize + 64));
  // What is written byte by byte has its labels told one by one until a line is full.
  EXPECT_LE(shadow.bytes() - before,
            500 * kShadowPageSize * 4 + shadow.labelled() * 9 / 8 + (1 << 20));
}

TEST(ShadowMemory, MemoryOfEmptiedPagesIsGivenBack) {
  ShadowMemory shadow;
  const uint8_t value = 1;
  for (uint64_t page = 0; page < 20000; ++page) {
    shadow.store(page << 12, 1, &value, &kB);
    shadow.clear(page << 12, 1);
  }
  EXPECT_EQ(shadow.labelled(), 0u);
  EXPECT_EQ(shadow.peak_labelled(), 1u);
  EXPECT_LE(shadow.peak_bytes(), uint64_t{8} << 20);
}

TEST(ShadowMemory, TellsWhichLabelsAreStored) {
  ShadowMemory shadow;
  const uint8_t values[4] = {1, 2, 3, 4};
  const LabelId stored[4] = {kA, kB, kNoLabel, kA}, singles[4] = {kA, kA, kA, kA};
  shadow.store(0x1000, 4, values, stored);
  shadow.store(0x1ff8, 4, values, stored);
  shadow.store(0x2000, 4, values, singles);
  const auto told = [&shadow] {
    std::vector<LabelId> all;
    shadow.for_each_stored([&all](LabelId id) { all.push_back(id); });
    return all;
  };
  EXPECT_THAT(told(), ::testing::ElementsAre(kB, kB));
  shadow.store(0x1000, 4, values, singles);
  EXPECT_THAT(told(), ::testing::ElementsAre(kB));
  shadow.clear(0x1ff8, 4);
  EXPECT_THAT(told(), ::testing::ElementsAre());
  shadow.store(0x2001, 2, values, stored);
  EXPECT_THAT(told(), ::testing::ElementsAre(kB));
}

TEST(ShadowMemory, BeyondAllMemoryThereIsNothing) {
  ShadowMemory shadow;
  const uint8_t value = 1;
  LabelId label = kA;
  shadow.store(ShadowMemory::kEnd, 1, &value, &kB);
  shadow.store(~uint64_t{0}, 1, &value, &kB);
  EXPECT_FALSE(shadow.load(ShadowMemory::kEnd, 1, &value, &label));
  EXPECT_EQ(label, kNoLabel);
  EXPECT_EQ(shadow.labelled(), 0u);
}

// Against a plain map. Labels of one store are mostly one, or follow one another.
TEST(ShadowMemory, RandomStoresAndLoadsAreRight) {
  ShadowMemory shadow;
  std::mt19937 random(3);
  std::map<uint64_t, std::pair<LabelId, uint8_t>> expected;
  std::map<uint64_t, uint8_t> memory;
  for (int step = 0; step < 50000; ++step) {
    const bool is_long = random() % 8 == 0;
    const auto size = uint32_t(1 + random() % (is_long ? 200 : 32));
    const uint64_t page = uint64_t{random() % (is_long ? 20 : 600)} << 12;
    const uint64_t paddr =
        page + (is_long ? random() % 60 * 64 : random() % 40 * 100 + random() % 8);
    uint8_t values[200];
    LabelId labels[200] = {};
    if (random() % 3 != 0) {
      const auto kind = random() % 4;
      const LabelId first = LabelSets::single(uint32_t(random() % 1000));
      for (uint32_t i = 0; i < size; ++i) {
        values[i] = memory[paddr + i] = uint8_t(random());
        if (kind == 0 && random() % 4 != 0) labels[i] = LabelId(1 + random() % 9);
        if (kind == 1) labels[i] = first;
        if (kind == 2) labels[i] = first + i;
        expected[paddr + i] = {labels[i], values[i]};
      }
      shadow.store(paddr, size, values, labels);
      continue;
    }
    bool any = false;
    for (uint32_t i = 0; i < size; ++i) {
      if (random() % 64 == 0) memory[paddr + i] = uint8_t(random());  // a device
      values[i] = memory[paddr + i];
      if (expected[paddr + i].second != values[i]) expected[paddr + i].first = kNoLabel;
      any = any || expected[paddr + i].first != kNoLabel;
    }
    ASSERT_EQ(shadow.load(paddr, size, values, labels), any);
    for (uint32_t i = 0; i < size; ++i) ASSERT_EQ(labels[i], expected[paddr + i].first);
    ASSERT_EQ(shadow.any(paddr, size), any);
  }
  uint64_t left = 0, seen = 0;
  for (const auto& [paddr, byte] : expected) left += byte.first != kNoLabel;
  EXPECT_EQ(shadow.labelled(), left);
  shadow.for_each_page([&](uint64_t, const ShadowPage& page) { seen += page.labelled; });
  EXPECT_EQ(seen, left);
}

}  // namespace
}  // namespace fptrace::emu::taint
