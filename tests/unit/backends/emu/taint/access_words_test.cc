#include "backends/emu/taint/access_words.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace fptrace::emu::taint {
namespace {

TEST(AccessWords, AnAccessIsReadAsItWasWritten) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    Access access{};
    const bool is_kernel = random() % 2 != 0;
    access.vaddr = (random() >> 17) | (is_kernel ? 0xffff800000000000 : 0);
    access.size = uint8_t(1u << random() % 5);
    access.paddr = (random() >> 24 << 12) + access.vaddr % Access::kPageSize;
    if (access.bytes_on_next_page() != 0) access.paddr2 = random() >> 24 << 12;
    for (uint8_t i = 0; i < access.size; ++i) access.value[i] = uint8_t(random());
    access.instruction = uint16_t(random() % 512);
    access.is_store = random() % 2;

    uint64_t words[AccessWords::kMost];
    const uint64_t* const end = write_access(words, access);
    ASSERT_EQ(words[0] & ~uint64_t{0} << 60, AccessWords::kTag);
    ASSERT_EQ(size_t(end - words), AccessWords::count(words));
    ASSERT_LE(size_t(end - words), size_t{AccessWords::kMost});
    Access read{};
    ASSERT_EQ(read_access(words, read), end);
    ASSERT_EQ(read.vaddr, access.vaddr);
    ASSERT_EQ(read.paddr, access.paddr);
    ASSERT_EQ(read.paddr2, access.paddr2);
    ASSERT_EQ(std::memcmp(read.value, access.value, access.size), 0);
    ASSERT_EQ(read.instruction, access.instruction);
    ASSERT_EQ(read.size, access.size);
    ASSERT_EQ(read.is_store, access.is_store);
    ASSERT_EQ(AccessWords::instruction(words), access.instruction);
    ASSERT_EQ(AccessWords::paddr(words), access.paddr);
    ASSERT_EQ(AccessWords::size(words), access.size);
    ASSERT_EQ(AccessWords::is_store(words), access.is_store != 0);
    ASSERT_EQ(AccessWords::crosses(words), access.bytes_on_next_page() != 0);
    ASSERT_EQ(std::memcmp(AccessWords::value(words), access.value, access.size), 0);
  }
}

}  // namespace
}  // namespace fptrace::emu::taint
