#include "backends/emu/recording/collection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "backends/emu/qemu/qemu_binary.h"
#include "backends/emu/recording/disk_image.h"
#include "backends/emu/recording/disk_reader.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class CollectionTest : public ::testing::Test {
 protected:
  CollectionTest() {
    char name[] = "/tmp/collection_XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~CollectionTest() override { fs::remove_all(directory_); }
  void SetUp() override {
    if (!find_in_path("mke2fs")) GTEST_SKIP() << "no mke2fs";
  }
  void file(const std::string& name, const std::string& content = "x") {
    fs::create_directories(fs::path(directory_ + "/" + name).parent_path());
    std::ofstream(directory_ + "/" + name) << content;
  }
  DiskReader written() {
    const std::string path = directory_ + "/.disk";
    EXPECT_TRUE(reserve_disk(path));
    const auto ok = files_.write(path);
    EXPECT_TRUE(ok) << ok.error().what;
    auto disk = DiskReader::open(path);
    EXPECT_TRUE(disk);
    return *std::move(disk);
  }
  std::string directory_;
  std::vector<std::string> said_;
  const std::function<void(const std::string&)> warn_ = [this](const std::string& s) {
    said_.push_back(s);
  };
  Collection files_{warn_};
};

TEST_F(CollectionTest, APathBringsAllThatLeadsToIt) {
  file("real/sub/x");
  fs::create_symlink("real", directory_ + "/link");
  EXPECT_TRUE(files_.add(directory_ + "/link/../link/sub/x"));
  EXPECT_FALSE(files_.add(directory_ + "/link/none"));
  const DiskReader disk = written();
  EXPECT_TRUE(disk.has(directory_ + "/real/sub/x"));
  EXPECT_THAT(*disk.names(directory_), UnorderedElementsAre(".", "..", "link", "real"));
  EXPECT_TRUE(disk.is_of_host());
}

TEST_F(CollectionTest, ATreeThatIsTooLargeIsLeftOut) {
  for (const char* name : {"t/a", "t/b", "t/c"}) file(name);
  EXPECT_FALSE(files_.add_tree(directory_ + "/t", {2, 100}));
  EXPECT_FALSE(files_.add_tree(directory_ + "/t", {100, 2}));
  EXPECT_FALSE(written().has(directory_ + "/t/a"));
}

TEST_F(CollectionTest, ATreeTellsItsPrograms) {
  file("t/a");
  file("t/run");
  fs::permissions(directory_ + "/t/run", fs::perms(0755));
  EXPECT_TRUE(files_.add_tree(directory_ + "/t", {10, 100}));
  EXPECT_THAT(files_.programs(), ElementsAre(directory_ + "/t/run"));
}

TEST_F(CollectionTest, APathMayBeLongerThanTheKernelTakes) {
  const std::string name(200, 'd');
  const auto here = fs::current_path();
  fs::current_path(directory_);
  std::string deep = directory_;
  for (int i = 0; i < 25; ++i) {
    fs::create_directory(name);
    fs::current_path(name);
    deep += "/" + name;
  }
  std::ofstream("x") << "deep";
  fs::current_path(here);
  EXPECT_TRUE(files_.add_tree(directory_ + "/" + name));
  const DiskReader disk = written();
  EXPECT_TRUE(disk.has(deep + "/x"));
}

TEST_F(CollectionTest, WhatMayNotBeReadHasItsNameAndSize) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  file("secret", "12345");
  fs::permissions(directory_ + "/secret", fs::perms(0200));
  EXPECT_TRUE(files_.add(directory_ + "/secret"));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("cannot be read")));
  EXPECT_TRUE(written().has(directory_ + "/secret"));
}

}  // namespace
}  // namespace fptrace::emu
