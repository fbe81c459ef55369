#include "backends/emu/plugin/guest_ram.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "tests/unit/backends/emu/plugin/ram_file.h"

namespace fptrace::emu {
namespace {

constexpr size_t kSize = 1 << 20;

void* map(const std::string& path, size_t size, int how, off_t offset) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* const bytes = ::mmap(nullptr, size, PROT_READ, how, fd, offset);
  ::close(fd);
  return bytes;
}

TEST(GuestRam, IsWhereTheProcessHasItMappedAlready) {
  RamFile file(std::string(kSize, 'r'));
  void* const mapped = map(file.path(), kSize, MAP_SHARED, 0);
  GuestRam ram;
  ASSERT_TRUE(ram.open(file.wire()));
  EXPECT_EQ(ram.at(0, kSize), mapped);
  ::munmap(mapped, kSize);
}

TEST(GuestRam, IsMappedWhenOnlyAPartOrACopyOfItIs) {
  RamFile file(std::string(kSize, 'r'));
  void* const part = map(file.path(), kSize / 2, MAP_SHARED, 0);
  void* const rest = map(file.path(), kSize / 2, MAP_SHARED, kSize / 2);
  void* const copy = map(file.path(), kSize, MAP_PRIVATE, 0);
  GuestRam ram;
  ASSERT_TRUE(ram.open(file.wire()));
  const void* const bytes = ram.at(0, kSize);
  ASSERT_NE(bytes, nullptr);
  EXPECT_TRUE(bytes != part && bytes != rest && bytes != copy);
  EXPECT_EQ(*ram.at(kSize - 1, 1), 'r');
  EXPECT_EQ(ram.at(kSize - 1, 2), nullptr);
  ::munmap(part, kSize / 2);
  ::munmap(rest, kSize / 2);
  ::munmap(copy, kSize);
}

TEST(GuestRam, AFileThatIsTooShortIsRefused) {
  RamFile file(std::string(kSize, 'r'));
  file.wire().ram_size = kSize + 1;
  EXPECT_FALSE(GuestRam().open(file.wire()));
}

}  // namespace
}  // namespace fptrace::emu
