#include "backends/emu/recording/read_disk.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "backends/emu/qemu/command.h"
#include "backends/emu/qemu/qemu_binary.h"
#include "backends/emu/recording/disk_image.h"
#include "backends/emu/recording/disk_reader.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using Ranges = std::vector<DiskRange>;

TEST(ParseOverlayMap, HasWhatTheOverlayHasItself) {
  const auto ranges = parse_overlay_map(
      R"([{"start": 0, "length": 65536, "depth": 0, "present": true, "data": true},
          {"start": 65536, "length": 131072, "depth": 1, "present": true, "data": true},
          {"start": 196608, "length": 10, "depth": 0, "present": false, "data": false},
          {"start": 262144, "length": 65536, "depth": 0, "present": true, "zero": true}])");
  ASSERT_TRUE(ranges);
  EXPECT_EQ(*ranges, (Ranges{{0, 65536}, {262144, 327680}}));
}

TEST(ParseOverlayMap, RefusesWhatIsNone) {
  for (const char* text : {"", "{}", "[1]", "[{}]", R"([{"start": -1, "length": 1, "depth": 0}])",
                           R"([{"start": 18446744073709551615, "length": 2, "depth": 0}])",
                           R"([{"start": 0, "length": "1", "depth": 0}])"})
    EXPECT_FALSE(parse_overlay_map(text)) << text;
}

class ReadDisk : public ::testing::Test {
 protected:
  ReadDisk() {
    char name[] = "/tmp/read_disk_XXXXXX";
    directory_ = ::mkdtemp(name);
    contents_ = directory_ + "/contents";
    overlay_ = directory_ + "/overlay";
  }
  ~ReadDisk() override { fs::remove_all(directory_); }
  void SetUp() override {
    for (const char* tool : {"mke2fs", "debugfs", "qemu-img", "qemu-io"})
      if (!find_in_path(tool)) GTEST_SKIP() << "no " << tool;
  }
  void command(std::vector<std::string> argv) {
    argv[0] = *find_in_path(argv[0]);
    const auto ran = run_command(argv, directory_);
    ASSERT_TRUE(ran) << ran.error().what;
  }
  // What debugfs(8) answers: the number behind `text`.
  uint64_t number_in(const std::string& request, const std::string& text) {
    const auto said = run_command({*find_in_path("debugfs"), "-R", request, contents_});
    EXPECT_TRUE(said);
    const size_t at = said ? said->find(text) : std::string::npos;
    EXPECT_NE(at, std::string::npos) << *said;
    return at == std::string::npos ? 0 : std::stoull(said->substr(at + text.size()));
  }
  std::string directory_, contents_, overlay_;
};

// What a guest would have read: the first byte of one of two files, by way of an overlay that
// copies what is read.
TEST_F(ReadDisk, OfAFileThatWasReadAllIsKeptAndOfOthersNothing) {
  const std::string a(300000, 'a'), b(300000, 'b');
  const auto give = [](const std::string& from) {
    return [&from](uint64_t at, char* out, size_t size) {
      return Result<size_t>(from.copy(out, size, size_t(at)));
    };
  };
  {
    ASSERT_TRUE(reserve_disk(contents_));
    auto disk = DiskImage::make(contents_, 1 << 20);
    ASSERT_TRUE(disk) << disk.error().what;
    ASSERT_TRUE(disk->directory("/", {0755, 0, 0, 1, 0, {}}));
    ASSERT_TRUE(disk->file("/a", {0644, 0, 0, 1, 0, {}}, a.size(), give(a)));
    ASSERT_TRUE(disk->file("/b", {0644, 0, 0, 1, 0, {}}, b.size(), give(b)));
    ASSERT_TRUE(disk->finish());
  }
  // Of the file system: its beginning, and the block that has the inodes of both.
  const uint64_t content = number_in("bmap /a 0", ""), inodes = number_in("imap /a", "at block ");
  command({"qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", "-b", contents_,
           "-F", "raw", overlay_});
  command({"qemu-io", "-f", "qcow2", "-C", "-c", "read 0 65536", "-c",
           "read " + std::to_string(inodes * 4096) + " 4096", "-c",
           "read " + std::to_string(content * 4096) + " 512", overlay_});
  ASSERT_TRUE(keep_what_was_read(contents_, overlay_));
  const auto disk = DiskReader::open(contents_);
  ASSERT_TRUE(disk) << disk.error().what;
  std::string out(400000, '\0');
  int told = 0, lacking = 0;
  for (uint64_t inode = 11; inode < 15; ++inode) {
    if (!disk->file(inode)) continue;
    const auto got = disk->read(inode, 0, std::span(out));
    if (!got) {
      EXPECT_EQ(got.error().code, Errc::kUnsupported);
      ++lacking;
    } else {
      EXPECT_EQ(out.substr(0, *got), a);
      ++told;
    }
  }
  EXPECT_EQ(told, 1);
  EXPECT_EQ(lacking, 1);
}

}  // namespace
}  // namespace fptrace::emu
