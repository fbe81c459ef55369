#include "backends/emu/plugin/page_walk.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/backends/emu/plugin/ram_file.h"

namespace fptrace::emu {
namespace {

constexpr uint64_t kPresent = 1, kLarge = 1 << 7, kNoExecute = uint64_t{1} << 63;

// A megabyte of guest memory in a file.
class PageWalk : public ::testing::Test {
 protected:
  void put(uint64_t paddr, uint64_t value) {
    std::memcpy(memory_.data() + paddr, &value, sizeof value);
  }
  const GuestRam& ram() {
    RamFile file(std::string(memory_.data(), memory_.size()));
    EXPECT_TRUE(ram_.open(file.wire()));
    return ram_;
  }
  static CpuState cpu(uint64_t cr3, uint64_t cr4 = 0) {
    CpuState out{};
    out.cr3 = cr3;
    out.cr4 = cr4;
    return out;
  }

  std::vector<char> memory_ = std::vector<char>(1 << 20);
  GuestRam ram_;
};

constexpr uint64_t kVaddr = 0x00007f1234567abc;
constexpr uint64_t index(int level) { return kVaddr >> (12 + 9 * (level - 1)) & 511; }

TEST_F(PageWalk, GoesThroughFourLevels) {
  put(0x1000 + index(4) * 8, 0x2000 | kPresent);
  put(0x2000 + index(3) * 8, 0x3000 | kPresent);
  put(0x3000 + index(2) * 8, 0x4000 | kPresent);
  put(0x4000 + index(1) * 8, 0x5000 | kPresent | kNoExecute);
  uint64_t paddr = 0;
  ASSERT_TRUE(walk_page_tables(ram(), cpu(0x1000 | 5 /* PCID */), kVaddr, &paddr));
  EXPECT_EQ(paddr, 0x5abcu);
  EXPECT_FALSE(walk_page_tables(ram_, cpu(0x1000), kVaddr + 0x1000, &paddr));
}

TEST_F(PageWalk, GoesThroughFiveLevelsWhenTheCpuDoes) {
  constexpr uint64_t kFiveLevels = 1 << 12;
  put(0x6000, 0x1000 | kPresent);
  put(0x1000 + index(4) * 8, 0x2000 | kPresent);
  put(0x2000 + index(3) * 8, 0x3000 | kPresent);
  put(0x3000 + index(2) * 8, 0x4000 | kPresent);
  put(0x4000 + index(1) * 8, 0x5000 | kPresent);
  uint64_t paddr = 0;
  ASSERT_TRUE(walk_page_tables(ram(), cpu(0x6000, kFiveLevels), kVaddr, &paddr));
  EXPECT_EQ(paddr, 0x5abcu);
}

TEST_F(PageWalk, EndsAtALargePage) {
  put(0x1000 + index(4) * 8, 0x2000 | kPresent);
  put(0x2000 + index(3) * 8, 0x3000 | kPresent);
  put(0x3000 + index(2) * 8, 0x40000000 | kPresent | kLarge);
  uint64_t paddr = 0;
  ASSERT_TRUE(walk_page_tables(ram(), cpu(0x1000), kVaddr, &paddr));
  EXPECT_EQ(paddr, 0x40000000 | (kVaddr & 0x1fffff));
}

TEST_F(PageWalk, TablesOutsideOfMemoryMapNothing) {
  put(0x1000 + index(4) * 8, 0x7ffff000 | kPresent);
  uint64_t paddr = 0;
  EXPECT_FALSE(walk_page_tables(ram(), cpu(0x1000), kVaddr, &paddr));
  EXPECT_FALSE(walk_page_tables(ram_, cpu(0xffffff000), kVaddr, &paddr));
}

TEST_F(PageWalk, MemoryIsComparedUpToItsEnd) {
  std::memcpy(memory_.data() + memory_.size() - 4, "abcd", 4);
  const uint64_t end = memory_.size();
  EXPECT_TRUE(ram().equals(end - 4, "abcd", 4));
  EXPECT_FALSE(ram_.equals(end - 4, "abcx", 4));
  EXPECT_FALSE(ram_.equals(end - 3, "bcd\0", 4));
  EXPECT_FALSE(ram_.equals(end + 4096, "a", 1));
}

}  // namespace
}  // namespace fptrace::emu
