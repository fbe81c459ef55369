#include "backends/emu/image/private_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

class PrivateDirectoryTest : public ::testing::Test {
 protected:
  PrivateDirectoryTest() {
    char name[] = "/tmp/private_directory_XXXXXX";
    where_ = ::mkdtemp(name);
  }
  ~PrivateDirectoryTest() override { fs::remove_all(where_); }
  std::string where_;
};

TEST_F(PrivateDirectoryTest, IsGoneWithItsContentsAtTheEnd) {
  std::string path;
  {
    auto made = PrivateDirectory::make(where_);
    ASSERT_TRUE(made);
    path = made->path();
    std::ofstream(made->file("x")) << "x";
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(PrivateDirectoryTest, OfAProcessThatWasKilledIsRemovedByTheNext) {
  fs::create_directories(where_ + "/.fptrace-emu-killed/x");
  fs::create_directories(where_ + "/other");
  auto first = PrivateDirectory::make(where_);
  ASSERT_TRUE(first);
  EXPECT_FALSE(fs::exists(where_ + "/.fptrace-emu-killed"));
  EXPECT_TRUE(fs::exists(where_ + "/other"));
  auto second = PrivateDirectory::make(where_);
  ASSERT_TRUE(second);
  EXPECT_TRUE(fs::exists(first->path())) << "it is in use";
}

TEST_F(PrivateDirectoryTest, MovesWithItsOwner) {
  auto made = PrivateDirectory::make(where_);
  ASSERT_TRUE(made);
  const std::string path = made->path();
  {
    const PrivateDirectory moved = *std::move(made);
    EXPECT_TRUE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(CheckRoom, SaysWhereAndHowMuchIsMissing) {
  EXPECT_TRUE(check_room("/tmp", 1));
  const auto none = check_room("/tmp", uint64_t{1} << 60);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().what, ::testing::HasSubstr("/tmp has "));
}

}  // namespace
}  // namespace fptrace::emu
