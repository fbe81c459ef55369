#include "common/path/directory_cache.h"

#include <gtest/gtest.h>

#include "tests/support/fake_task.h"

namespace fptrace {
namespace {

TEST(DirectoryCache, IsBounded) {
  testing::FakeFileSystem fs;
  const FileRef root = fs.ref("/");
  DirectoryCache cache;
  const std::string long_name(4000, 'n');
  size_t most = 0;
  for (int i = 0; i < 10000; ++i) {
    cache.insert(long_name + std::to_string(i), {"/", root.dev, root.ino, {}});
    most = std::max(most, cache.bytes());
  }
  EXPECT_LE(most, DirectoryCache::kMostBytes + 2 * long_name.size());
  EXPECT_GT(most, DirectoryCache::kMostBytes / 2) << "it does remember";
}

TEST(DirectoryCache, CountsAReplacedEntryOnce) {
  testing::FakeFileSystem fs;
  DirectoryCache cache;
  cache.insert("key", {"/some/directory", 1, 2, {}});
  const size_t once = cache.bytes();
  cache.insert("key", {"/some/directory", 1, 3, {}});
  EXPECT_EQ(cache.bytes(), once);
}

TEST(DirectoryCache, DropsWhatIsNoLongerTrue) {
  testing::FakeFileSystem fs;
  const FileRef dir = fs.dir("/d");
  DirectoryCache cache;
  cache.insert("key", {"/d", dir.dev, dir.ino, {}});
  ASSERT_NE(cache.find("key", fs), nullptr);
  EXPECT_EQ(cache.find("key", fs)->path, "/d");
  fs.dir("/d");  // another inode
  EXPECT_EQ(cache.find("key", fs), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(DirectoryCache, AFileInPlaceOfTheDirectoryIsNotIt) {
  testing::FakeFileSystem fs;
  const FileRef file = fs.file("/f");
  DirectoryCache cache;
  cache.insert("key", {"/f", file.dev, file.ino, {}});
  EXPECT_EQ(cache.find("key", fs), nullptr);
}

}  // namespace
}  // namespace fptrace
