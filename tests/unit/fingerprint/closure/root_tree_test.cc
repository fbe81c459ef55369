#include "fingerprint/closure/root_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace fptrace {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class RootTreeTest : public ::testing::Test {
 protected:
  RootTreeTest() {
    std::string name = ::testing::TempDir() + "fptrace-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
    fs::create_directories(root / "usr/lib");
    std::ofstream(root / "usr/lib/x.so.1") << "content";
    fs::create_symlink("usr/lib", root / "lib");
    fs::create_symlink("x.so.1", root / "usr/lib/x.so");
    fs::create_symlink("/usr/lib/x.so", root / "absolute");
    fs::create_symlink("../../../../../../etc", root / "usr/up");
    fs::create_symlink("loop", root / "loop");
    fs::create_symlink("none/below", root / "dangling");
  }
  ~RootTreeTest() override {
    if (!HasFailure()) fs::remove_all(root);
  }
  RootTree::Found find(const std::string& path) { return RootTree(root.string()).find(path); }
  fs::path root;
};

TEST_F(RootTreeTest, EveryLinkOnTheWayIsTold) {
  fs::create_symlink("lib/x.so", root / "usr/x.so");
  const auto f = find("/lib/.././x.so");
  EXPECT_EQ(f.error, 0);
  EXPECT_EQ(f.lookup.path, "/lib/.././x.so");
  EXPECT_EQ(f.lookup.file.path, "/usr/lib/x.so.1") << "`..` counts from where the link leads";
  EXPECT_THAT(f.lookup.links, ElementsAre("/lib", "/usr/x.so", "/usr/lib/x.so"));
}

TEST_F(RootTreeTest, LinksAreFollowedWithinTheRoot) {
  const auto f = find("/absolute");
  EXPECT_EQ(f.error, 0);
  EXPECT_EQ(f.lookup.file.path, "/usr/lib/x.so.1");
  EXPECT_THAT(f.lookup.links, ElementsAre("/absolute", "/usr/lib/x.so"));
  EXPECT_TRUE(S_ISREG(f.lookup.file.mode));
  EXPECT_EQ(f.lookup.file.size, 7u);
  EXPECT_NE(f.lookup.file.ino, 0u);
}

TEST_F(RootTreeTest, NothingClimbsAboveTheRoot) {
  const auto f = find("/usr/up/passwd");
  EXPECT_EQ(f.error, ENOENT);
  EXPECT_EQ(f.lookup.file.path, "/etc/passwd");
  EXPECT_EQ(f.lookup.file.ino, 0u);
  EXPECT_EQ(find("/../..").lookup.file.path, "/");
}

TEST_F(RootTreeTest, FailuresNameWhatWouldBeThere) {
  EXPECT_EQ(find("/loop").error, ELOOP);
  EXPECT_EQ(find("/lib/x.so.1/below").error, ENOTDIR);
  EXPECT_EQ(find("/lib/x.so.1/").error, ENOTDIR);
  const auto f = find("/dangling");
  EXPECT_EQ(f.error, ENOENT);
  EXPECT_EQ(f.lookup.file.path, "/none/below");
  EXPECT_THAT(f.lookup.links, ElementsAre("/dangling"));
  EXPECT_EQ(find("/lib/no/../y").lookup.file.path, "/usr/lib/y");
  EXPECT_EQ(RootTree(root.string() + "/gone").find("/x").error, ENOENT);
}

TEST_F(RootTreeTest, OnlyRegularFilesAreRead) {
  const RootTree tree(root.string());
  EXPECT_EQ(tree.read("/usr/lib/x.so.1", 100), "content");
  EXPECT_EQ(tree.read("/usr/lib/x.so.1", 3), "con");
  EXPECT_EQ(tree.open("/usr").error().sys, EISDIR);
  EXPECT_EQ(tree.open("/none").error().sys, ENOENT);
  EXPECT_FALSE(tree.open("/absolute")) << "a canonical path does not end in a link";
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(tree.open("/pipe").error().code, Errc::kParse);
}

TEST_F(RootTreeTest, ListsADirectoryThroughLinks) {
  const RootTree tree(root.string());
  EXPECT_THAT(tree.list("/lib"), UnorderedElementsAre(".", "..", "x.so", "x.so.1"));
  EXPECT_THAT(tree.list("/none"), IsEmpty());
}

TEST_F(RootTreeTest, WithoutARootItIsThisHost) {
  EXPECT_EQ(RootTree("").find((root / "absolute").string()).error, ENOENT);
  EXPECT_EQ(RootTree("").find("/").lookup.file.path, "/");
}

}  // namespace
}  // namespace fptrace
