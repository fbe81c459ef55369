#include "fingerprint/packages/root_dir.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "fingerprint/packages/usr_aliases.h"
#include "tests/unit/fingerprint/packages/temp_root.h"

namespace fptrace {
namespace {

using test::TempRoot;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(RootDir, NothingLeadsOut) {
  TempRoot outer;
  outer.write("/secret", "outside");
  outer.write("/root/in", "inside");
  outer.link("../secret", "/root/up");
  outer.link(outer.str() + "/secret", "/root/absolute");
  outer.link("/in", "/root/link");
  const RootDir root(outer.str() + "/root");
  EXPECT_EQ(*root.read("/in"), "inside");
  EXPECT_EQ(*root.read("/../../in"), "inside");
  EXPECT_EQ(*root.read("/link"), "inside");
  EXPECT_FALSE(root.read("/up"));
  EXPECT_FALSE(root.read("/absolute"));
  EXPECT_FALSE(root.read("/../secret"));
}

TEST(RootDir, OnlyRegularFilesAreReadAndNoneThatIsTooLarge) {
  TempRoot dir;
  const RootDir root(dir.str());
  ASSERT_EQ(::mkfifo((dir.str() + "/pipe").c_str(), 0600), 0);
  dir.write("/five", "12345");
  EXPECT_EQ(root.read("/pipe").error().what, dir.str() + "/pipe: not a regular file");
  EXPECT_EQ(root.read("/").error().what, dir.str() + "/: not a regular file");
  EXPECT_EQ(root.read("/five", 4).error().what, dir.str() + "/five: more than 4 bytes");
  EXPECT_TRUE(root.read("/five", 5));
  EXPECT_FALSE(root.read(std::string("/five\0x", 7)));
}

TEST(RootDir, ListsADirectory) {
  TempRoot dir;
  dir.write("/b");
  dir.write("/a/x");
  const RootDir root(dir.str() + "/");
  EXPECT_THAT(*root.list("/"), ElementsAre("a", "b"));
  EXPECT_FALSE(root.list("/", 1));
  EXPECT_FALSE(root.list("/b"));
  EXPECT_FALSE(RootDir(dir.str() + "/none").list("/"));
}

TEST(Normalized, IsLexicalAndDoesNotClimbAboveTheRoot) {
  EXPECT_EQ(normalized("/a/b", "c"), "/a/b/c");
  EXPECT_EQ(normalized("/a/b", "../c/./d//e"), "/a/c/d/e");
  EXPECT_EQ(normalized("/a", "../../../x"), "/x");
  EXPECT_EQ(normalized("/a", ".."), "/");
  EXPECT_EQ(normalized("/a", "/b/"), "/b");
  EXPECT_EQ(normalized("", ""), "/");
}

TEST(ParentOf, IsTheDirectory) {
  EXPECT_EQ(parent_of("/a/b"), "/a");
  EXPECT_EQ(parent_of("/a"), "/");
  EXPECT_EQ(parent_of("/"), "/");
}

TEST(UsrAliases, MergedUsrHasTwoSpellings) {
  TempRoot dir;
  dir.directory("/usr/bin");
  dir.link("usr/bin", "/bin");
  const UsrAliases a = UsrAliases::read(RootDir(dir.str()));
  EXPECT_THAT(a.spellings("/usr/bin/x"), ElementsAre("/usr/bin/x", "/bin/x"));
  EXPECT_THAT(a.spellings("/bin/x"), ElementsAre("/bin/x", "/usr/bin/x"));
  EXPECT_THAT(a.spellings("/usr/binary"), ElementsAre("/usr/binary"));
  EXPECT_THAT(a.spellings("/usr/share/x"), ElementsAre("/usr/share/x"));
}

TEST(UsrAliases, SeparateDirectoriesHaveOneSpelling) {
  TempRoot dir;
  dir.directory("/usr/bin");
  dir.directory("/bin");
  EXPECT_THAT(UsrAliases::read(RootDir(dir.str())).spellings("/bin/x"), ElementsAre("/bin/x"));
}

TEST(UsrAliases, LinksAreFollowedToTheirEnd) {
  TempRoot dir;
  dir.directory("/usr/bin");
  dir.link("bin", "/usr/sbin");
  dir.link("usr/sbin", "/sbin");
  dir.link("usr/bin", "/bin");
  EXPECT_THAT(UsrAliases::read(RootDir(dir.str())).spellings("/usr/bin/x"),
              UnorderedElementsAre("/usr/bin/x", "/bin/x", "/sbin/x", "/usr/sbin/x"));
}

TEST(UsrAliases, LinksInACircleEnd) {
  TempRoot dir;
  dir.link("/usr/lib", "/lib");
  dir.link("/lib", "/usr/lib");
  EXPECT_THAT(UsrAliases::read(RootDir(dir.str())).spellings("/lib/x"),
              ::testing::Contains("/lib/x"));
}

}  // namespace
}  // namespace fptrace
