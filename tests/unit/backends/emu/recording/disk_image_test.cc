#include "backends/emu/recording/disk_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "backends/emu/qemu/command.h"
#include "backends/emu/qemu/qemu_binary.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

ContentReader reader(const std::string& content) {
  return [&content](uint64_t at, char* out, size_t size) {
    return Result<size_t>(content.copy(out, size, size_t(at)));
  };
}

// What debugfs(8), which is not ours, sees in an image.
class DiskImageTest : public ::testing::Test {
 protected:
  DiskImageTest() {
    char name[] = "/tmp/disk_image_XXXXXX";
    directory_ = ::mkdtemp(name);
    path_ = directory_ + "/disk";
  }
  ~DiskImageTest() override { fs::remove_all(directory_); }
  void SetUp() override {
    for (const char* tool : {"mke2fs", "debugfs", "e2fsck"})
      if (!find_in_path(tool)) GTEST_SKIP() << "no " << tool;
  }
  std::string ask(const std::string& request) {
    const auto said = run_command({*find_in_path("debugfs"), "-R", request, path_});
    return said ? *said : said.error().what;
  }
  std::string directory_, path_;
};

TEST_F(DiskImageTest, HasWhatWasPutIntoItAndIsConsistent) {
  ASSERT_TRUE(reserve_disk(path_));
  auto disk = DiskImage::make(path_, 1 << 20);
  ASSERT_TRUE(disk) << disk.error().what;
  const FileMeta meta{0640, 70000, 100000, 1'700'000'000, 123'456'789, {}};
  const std::string small = "hello\n";
  std::string large(5 << 20, '\0');
  large[4 << 20] = 'x';
  ASSERT_TRUE(disk->directory("/", {0755, 0, 0, 1, 0, {}}));
  ASSERT_TRUE(disk->directory("/d", {01777, 1, 2, 3, 0, {}}));
  ASSERT_TRUE(disk->file("/d/small", meta, small.size(), reader(small)));
  ASSERT_TRUE(disk->file("/large", meta, large.size(), reader(large)));
  ASSERT_TRUE(disk->symlink("/link", meta, "d/small"));
  ASSERT_TRUE(disk->symlink("/long", meta, std::string(200, 'l')));
  ASSERT_TRUE(disk->hard_link("/again", "/d/small"));
  ASSERT_TRUE(disk->file("/cap", {0755, 0, 0, 0, 0, {{"security.capability", "0123456789"}}},
                         small.size(), reader(small)));
  for (int i = 0; i < 2000; ++i)
    ASSERT_TRUE(disk->file("/d/a_rather_long_name_" + std::to_string(i), meta, 0, reader(small)));
  EXPECT_TRUE(disk->exists("/d/small"));
  EXPECT_FALSE(disk->exists("/lost+found"));
  EXPECT_FALSE(disk->is_program("/d/small"));
  EXPECT_TRUE(disk->is_program("/cap"));
  ASSERT_TRUE(disk->finish());

  const auto checked = run_command({*find_in_path("e2fsck"), "-fn", path_});
  EXPECT_TRUE(checked) << checked.error().what;
  EXPECT_EQ(ask("cat /d/small"), small);
  EXPECT_EQ(ask("cat /again"), small);
  EXPECT_EQ(ask("cat /large"), large);
  const std::string stat = ask("stat /d/small");
  EXPECT_THAT(stat, HasSubstr("Mode:  0640"));
  EXPECT_THAT(stat, HasSubstr("User: 70000   Group: 100000"));
  EXPECT_THAT(stat, HasSubstr("Links: 2"));
  EXPECT_THAT(stat, HasSubstr("mtime: 0x6553f100:1d6f3454"));  // 123456789 << 2
  EXPECT_THAT(ask("stat /d"), HasSubstr("Mode:  01777"));
  EXPECT_THAT(ask("stat /link"), HasSubstr("d/small"));
  EXPECT_THAT(ask("ea_list /cap"), HasSubstr("security.capability (10)"));
}

// Each piece needs an entry of its own in the file's tree of extents, which so gets several levels.
TEST_F(DiskImageTest, AFileOfManyPiecesIsWhole) {
  ASSERT_TRUE(reserve_disk(path_));
  auto disk = DiskImage::make(path_, 64 << 20);
  ASSERT_TRUE(disk) << disk.error().what;
  constexpr size_t kBlock = 4096, kPieces = 2000;
  std::string content(2 * kPieces * kBlock + 100, '\0');
  for (size_t i = 0; i < kPieces; ++i) content[2 * i * kBlock + i % kBlock] = char('a' + i % 26);
  content.back() = 'z';
  ASSERT_TRUE(disk->file("/pieces", {0644, 0, 0, 1, 0, {}}, content.size(), reader(content)));
  const std::string dense(5 << 20, 'd');
  ASSERT_TRUE(disk->file("/dense", {0644, 0, 0, 1, 0, {}}, dense.size(), reader(dense)));
  ASSERT_TRUE(disk->finish());
  const auto checked = run_command({*find_in_path("e2fsck"), "-fn", path_});
  EXPECT_TRUE(checked) << checked.error().what;
  EXPECT_EQ(ask("cat /pieces"), content);
  const std::string stat = ask("stat /pieces"), kCount = "Blockcount: ";
  ASSERT_THAT(stat, HasSubstr(kCount));
  const uint64_t blocks = std::stoull(stat.substr(stat.find(kCount) + kCount.size())) / 8;
  EXPECT_GE(blocks, kPieces + 1);
  EXPECT_LE(blocks, kPieces + 20) << "the holes take room";
  EXPECT_EQ(ask("cat /dense"), dense);
  const std::string tree = ask("ex /dense");
  EXPECT_EQ(std::ranges::count(tree, '\n'), 2) << "a heading, and one piece: " << tree;
}

TEST_F(DiskImageTest, NamesAndAttributesAreInFewPieces) {
  ASSERT_TRUE(reserve_disk(path_));
  auto disk = DiskImage::make(path_, 64 << 20);
  ASSERT_TRUE(disk) << disk.error().what;
  const std::string content(100000, 'c');
  const FileMeta meta{0755, 0, 0, 1, 0, {}};
  std::string names[300];
  for (int i = 0; i < 300; ++i) {
    names[i] = "/directory" + std::to_string(i);
    ASSERT_TRUE(disk->directory(names[i], meta));
    ASSERT_TRUE(disk->file(names[i] + "/file", meta, content.size(), reader(content)));
  }
  const auto ranges = disk->finish();
  ASSERT_TRUE(ranges) << ranges.error().what;
  EXPECT_LE(ranges->size(), 4u);
  const auto has = [&](const std::string& block) {
    const uint64_t at = std::stoull(block) * 4096;
    return std::ranges::any_of(*ranges,
                               [at](const DiskRange& r) { return r.begin <= at && at < r.end; });
  };
  for (const int i : {0, 1, 150, 299}) {
    EXPECT_TRUE(has(ask("bmap " + names[i] + " 0"))) << names[i];
    EXPECT_FALSE(has(ask("bmap " + names[i] + "/file 0"))) << names[i];
    const std::string where = ask("imap " + names[i] + "/file");
    constexpr std::string_view kAt = "located at block ";
    ASSERT_THAT(where, HasSubstr(std::string(kAt)));
    EXPECT_TRUE(has(where.substr(where.find(kAt) + kAt.size()))) << where;
  }
  uint64_t bytes = 0;
  for (const DiskRange& range : *ranges) bytes += range.end - range.begin;
  EXPECT_LT(bytes, 4 << 20) << "nothing else is there";
}

TEST_F(DiskImageTest, IsANewFileOfALimitedSize) {
  ASSERT_TRUE(reserve_disk(path_));
  EXPECT_FALSE(DiskImage::make(path_, uint64_t{40} << 30));
  ASSERT_TRUE(DiskImage::make(path_, 0));
  EXPECT_FALSE(DiskImage::make(path_, 0)) << "never over another file";
  EXPECT_FALSE(reserve_disk(path_));
  EXPECT_FALSE(DiskImage::make(directory_ + "/none", 0));
}

}  // namespace
}  // namespace fptrace::emu
