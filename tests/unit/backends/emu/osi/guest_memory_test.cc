#include "backends/emu/osi/guest_memory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"

namespace fptrace::emu {
namespace {

constexpr uint64_t kPage = 0x1000, kFlags = 0x63;  // present, writable, accessed, dirty
constexpr uint64_t kLargePage = 0x80;

// Sixteen pages of RAM whose tables a test writes by hand.
class Ram {
 public:
  void set(uint64_t paddr, uint64_t value) { std::memcpy(&bytes_[paddr], &value, sizeof value); }
  // Entry `index` of the table at page `table`.
  void entry(uint64_t table, uint64_t index, uint64_t value) {
    set(table * kPage + index * 8, value);
  }
  void text(uint64_t paddr, std::string_view text) {
    std::memcpy(&bytes_[paddr], text.data(), text.size());
  }
  std::vector<std::byte>& bytes() { return bytes_; }
  GuestMemory memory() const { return GuestMemory::over(bytes_); }

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(16 * kPage);
};

std::string read_text(const GuestMemory& memory, PageTables tables, uint64_t vaddr, size_t size) {
  std::string out(size, '?');
  out.resize(memory.read_virtual(tables, vaddr, std::as_writable_bytes(std::span(out))));
  return out;
}

// 0x40201000 + three pages: PML4[0] -> PDPT[1] -> PD[1] -> PT[1], PT[2], PT[3].
Ram four_levels() {
  Ram ram;
  ram.entry(1, 0, 2 * kPage | kFlags);
  ram.entry(2, 1, 3 * kPage | kFlags);
  ram.entry(3, 1, 4 * kPage | kFlags);
  ram.entry(4, 1, 7 * kPage | kFlags);
  ram.entry(4, 2, 6 * kPage | kFlags);
  return ram;
}
constexpr uint64_t kMapped = 0x40201000;

TEST(GuestMemory, WalksFourLevels) {
  const Ram ram = four_levels();
  EXPECT_EQ(ram.memory().translate(kPage, kMapped + 0x123), 7 * kPage + 0x123);
  EXPECT_EQ(ram.memory().translate(kPage, kMapped + kPage), 6 * kPage);
}

TEST(GuestMemory, IgnoresTheLowBitsOfCr3AndTheNoExecuteBit) {
  Ram ram = four_levels();
  ram.entry(4, 1, (uint64_t{1} << 63) | (uint64_t{0x7ff} << 52) | 7 * kPage | kFlags);
  EXPECT_EQ(ram.memory().translate(kPage | 0xfff, kMapped), 7 * kPage);
  EXPECT_EQ(ram.memory().translate((uint64_t{1} << 63) | kPage, kMapped), 7 * kPage);
}

TEST(GuestMemory, WalksFiveLevels) {
  Ram ram = four_levels();
  ram.entry(5, 3, 1 * kPage | kFlags);
  const uint64_t vaddr = (uint64_t{3} << 48) + kMapped;
  EXPECT_EQ(ram.memory().translate({5 * kPage, true}, vaddr + 5), 7 * kPage + 5);
  EXPECT_EQ(ram.memory().translate({5 * kPage, true}, kMapped), std::nullopt);
  EXPECT_EQ(ram.memory().translate(kPage, vaddr), std::nullopt) << "not canonical with four";
}

TEST(GuestMemory, KnowsLargePages) {
  Ram ram = four_levels();
  ram.entry(3, 2, 0x200000 | kFlags | kLargePage);
  ram.entry(2, 3, 0xc0000000 | kFlags | kLargePage);
  EXPECT_EQ(ram.memory().translate(kPage, 0x40400000 + 0x1fffff), 0x3fffffU);
  EXPECT_EQ(ram.memory().translate(kPage, 0xc0000000 + 0x3ffffffe), 0xfffffffeU);
}

TEST(GuestMemory, IgnoresAttributeBitsInTheAddressOfALargePage) {
  Ram ram = four_levels();
  ram.entry(3, 2, 0x200000 | kFlags | kLargePage | kPage /* PAT */);
  EXPECT_EQ(ram.memory().translate(kPage, 0x40400000), 0x200000U);
}

TEST(GuestMemory, AnAddressOfTheUpperHalfIsSignExtended) {
  Ram ram = four_levels();
  ram.entry(1, 511, 2 * kPage | kFlags);
  EXPECT_EQ(ram.memory().translate(kPage, 0xffffff8000000000 + kMapped), 7 * kPage);
  EXPECT_EQ(ram.memory().translate(kPage, 0x0000ff8000000000 + kMapped), std::nullopt);
}

TEST(GuestMemory, WhatIsNotPresentIsNotThere) {
  Ram ram = four_levels();
  ram.entry(4, 1, 7 * kPage | (kFlags & ~uint64_t{1}));
  EXPECT_EQ(ram.memory().translate(kPage, kMapped), std::nullopt);
  EXPECT_EQ(ram.memory().translate(kPage, kMapped + 9 * kPage), std::nullopt);
}

TEST(GuestMemory, TablesOutsideOfRamAreNotThere) {
  Ram ram = four_levels();
  ram.entry(3, 1, 0x000ffffffffff000 | kFlags);
  EXPECT_EQ(ram.memory().translate(kPage, kMapped), std::nullopt);
  EXPECT_EQ(ram.memory().translate(~uint64_t{0}, kMapped), std::nullopt);
}

TEST(GuestMemory, ALargePageBitInTheTopLevelIsRefused) {
  Ram ram = four_levels();
  ram.entry(1, 0, 2 * kPage | kFlags | kLargePage);
  EXPECT_EQ(ram.memory().translate(kPage, kMapped), std::nullopt);
}

TEST(GuestMemory, ReadsAcrossPagesThatAreNotNeighbours) {
  Ram ram = four_levels();
  ram.text(8 * kPage - 3, "abc");
  ram.text(6 * kPage, "def");
  EXPECT_EQ(read_text(ram.memory(), kPage, kMapped + kPage - 3, 6), "abcdef");
}

TEST(GuestMemory, StopsAtTheFirstPageThatIsNotMapped) {
  Ram ram = four_levels();
  ram.text(7 * kPage - 4, "tail");
  EXPECT_EQ(read_text(ram.memory(), kPage, kMapped + 2 * kPage - 4, 100), "tail");
  EXPECT_EQ(read_text(ram.memory(), kPage, 0xdead0000, 8), "");
}

TEST(GuestMemory, StopsWhereAPageLeadsOutOfRam) {
  Ram ram = four_levels();
  ram.entry(4, 2, 0x70000000 | kFlags);
  EXPECT_EQ(read_text(ram.memory(), kPage, kMapped + kPage - 2, 8).size(), 2U);
}

TEST(GuestMemory, StopsAtTheEndOfTheAddressSpace) {
  Ram ram = four_levels();
  ram.entry(1, 511, 2 * kPage | kFlags);
  ram.entry(2, 511, 3 * kPage | kFlags);
  ram.entry(3, 511, 4 * kPage | kFlags);
  ram.entry(4, 511, 7 * kPage | kFlags);
  ram.entry(4, 0, 7 * kPage | kFlags);
  EXPECT_EQ(read_text(ram.memory(), kPage, ~uint64_t{0} - 3, 100).size(), 4U);
}

TEST(GuestMemory, TableThatPointsToItselfEnds) {
  Ram ram;
  for (uint64_t i = 0; i < 512; ++i) ram.entry(1, i, kPage | kFlags);
  EXPECT_EQ(ram.memory().translate(kPage, 0x123), kPage + 0x123);
  EXPECT_EQ(ram.memory().translate({kPage, true}, 0x123), kPage + 0x123);
}

TEST(GuestMemory, PhysicalReadsEndWithTheRam) {
  Ram ram;
  ram.text(16 * kPage - 2, "zz");
  std::array<std::byte, 8> out{};
  EXPECT_EQ(ram.memory().read_physical(16 * kPage - 2, out), 2U);
  EXPECT_EQ(out[1], std::byte{'z'});
  EXPECT_EQ(ram.memory().read_physical(16 * kPage, out), 0U);
  EXPECT_EQ(ram.memory().read_physical(~uint64_t{0}, out), 0U);
  EXPECT_EQ(ram.memory().physical<uint64_t>(16 * kPage - 4), std::nullopt);
}

TEST(GuestMemory, RamAboveTheHoleGoesOnAtFourGigabytes) {
  Ram ram;
  ram.text(8 * kPage, "high");
  const GuestMemory memory = GuestMemory::over(ram.bytes(), 8 * kPage);
  EXPECT_EQ(memory.low().size(), 8 * kPage);
  EXPECT_EQ(memory.physical<char>(GuestMemory::kHighBase + 3), 'h');
  std::array<std::byte, 8> out{};
  EXPECT_EQ(memory.read_physical(8 * kPage, out), 0U);
  EXPECT_EQ(memory.read_physical(8 * kPage - 3, out), 3U) << "nothing runs on across the hole";
}

TEST(GuestMemory, KnowsHowAPcSplitsItsRam) {
  EXPECT_EQ(GuestMemory::pc_low_size(256 << 20), uint64_t{256} << 20);
  EXPECT_EQ(GuestMemory::pc_low_size(0xdfffffff), 0xdfffffffU);
  EXPECT_EQ(GuestMemory::pc_low_size(uint64_t{4} << 30), 0xc0000000U);
}

TEST(GuestMemory, SeesWhatTheGuestWritesToTheFile) {
  std::string path = "/tmp/fptrace.guest_memory.XXXXXX";
  const UniqueFd fd(::mkstemp(path.data()));
  ASSERT_TRUE(fd);
  ASSERT_EQ(::ftruncate(fd.get(), off_t(2 * kPage)), 0);
  auto memory = GuestMemory::open(path);
  ::unlink(path.c_str());
  ASSERT_TRUE(memory) << memory.error().what;
  EXPECT_EQ(memory->physical<char>(kPage), '\0');
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, off_t(kPage)), 1);
  GuestMemory moved = std::move(*memory);
  EXPECT_EQ(moved.physical<char>(kPage), 'x');
  EXPECT_EQ(memory->physical<char>(kPage), std::nullopt);
}

TEST(GuestMemory, KnowsWhatWasWritten) {
  std::string path = "/dev/shm/fptrace.guest_memory.XXXXXX";
  const UniqueFd fd(::mkstemp(path.data()));
  ASSERT_TRUE(fd);
  ASSERT_EQ(::ftruncate(fd.get(), off_t(64 * kPage)), 0);
  auto memory = GuestMemory::open(path);
  ::unlink(path.c_str());
  ASSERT_TRUE(memory) << memory.error().what;
  EXPECT_TRUE(memory->written().empty());
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, off_t(7 * kPage)), 1);
  ASSERT_EQ(::pwrite(fd.get(), "y", 1, off_t(64 * kPage) - 1), 1);
  const auto pieces = memory->written();
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].front(), std::byte{'x'});
  EXPECT_EQ(pieces[1].back(), std::byte{'y'});
  EXPECT_LT(pieces[0].size() + pieces[1].size(), 64 * kPage);
  const Ram ram;
  EXPECT_EQ(ram.memory().written().at(0).size(), 16 * kPage) << "of the caller's: all of it";
}

TEST(GuestMemory, AMissingFileIsAnErrorThatNamesIt) {
  const auto memory = GuestMemory::open("/nonexistent/ram");
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().what, "open guest memory /nonexistent/ram: No such file or directory");
}

TEST(GuestMemory, AnEmptyFileIsAnError) {
  const auto memory = GuestMemory::open("/dev/null");
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().what, "guest memory /dev/null is empty");
}

}  // namespace
}  // namespace fptrace::emu
