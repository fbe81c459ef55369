#include "common/analysis/file_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fptrace {
namespace {

std::vector<std::string> names(const FileNames& n) {
  std::vector<std::string> out;
  for (const auto& [name, target] : n.names()) {
    out.push_back(name + "=" + std::to_string(target.object));
  }
  return out;
}
using ::testing::ElementsAre;

TEST(FileNames, FollowARenamedDirectory) {
  FileNames n;
  n.make("/w/d", {1, 0});
  n.make("/w/d/x", {2, 0});
  n.make("/w/d/e/y", {3, 0});
  n.make("/w/dx", {4, 0});
  n.move("/w/d", "/w/z", {1, 0}, false);
  EXPECT_THAT(names(n), ElementsAre("/w/dx=4", "/w/z=1", "/w/z/e/y=3", "/w/z/x=2"));
  EXPECT_TRUE(n.below_removed("/w/d/other"));
  EXPECT_TRUE(n.below_made("/w/z/other"));
  EXPECT_FALSE(n.below_made("/w/other"));
}

TEST(FileNames, OriginalNameUndoesMovesOfWhatWasThere) {
  FileNames n;
  n.move("/w/d", "/w/e", {1, 0}, true);
  n.move("/w/e", "/w/f", {1, 0}, true);
  EXPECT_EQ(n.original("/w/f/x"), "/w/d/x");
  EXPECT_EQ(n.original("/w/fx"), "/w/fx");
}

TEST(FileNames, OriginalNameSurvivesTheMoveOfAMadeDirectoryAround) {
  FileNames n;
  n.make("/w/new", {1, 0});
  n.move("/w/old", "/w/new/old", {2, 0}, true);
  n.move("/w/new", "/w/final", {1, 0}, false);
  EXPECT_EQ(n.original("/w/final/old/x"), "/w/old/x");
}

TEST(FileNames, ExchangeSwapsWhatLiesBelow) {
  FileNames n;
  n.make("/a", {1, 0});
  n.make("/a/x", {2, 0});
  n.make("/b", {3, 0});
  n.make("/b/y", {4, 0});
  n.exchange("/a", {1, 0}, "/b", {3, 0});
  EXPECT_THAT(names(n), ElementsAre("/a=3", "/a/y=4", "/b=1", "/b/x=2"));
  EXPECT_EQ(n.original("/a/z"), "/b/z");
  EXPECT_EQ(n.original("/b/z"), "/a/z");
}

TEST(FileNames, AMadeNameIsNoLongerRemoved) {
  FileNames n;
  n.remove("/x");
  EXPECT_TRUE(n.below_removed("/x"));
  n.make("/x", {1, 0});
  EXPECT_FALSE(n.below_removed("/x"));
}

}  // namespace
}  // namespace fptrace
