#include "common/proc/numbers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace fptrace {
namespace {

namespace fs = std::filesystem;

TEST(NumbersIn, AreSortedAsNumbersAndOtherNamesAreLeftOut) {
  std::string place = ::testing::TempDir() + "fptrace-numbers-XXXXXX";
  ASSERT_NE(::mkdtemp(place.data()), nullptr);
  for (const char* name : {"10", "9", "8x", "x7", "self", "0"})
    fs::create_directory(fs::path(place) / name);
  const auto found = numbers_in(place);
  fs::remove_all(place);
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(*found, (std::vector<int>{0, 9, 10}));
}

TEST(NumbersIn, WhatCannotBeOpenedIsNamed) {
  const auto found = numbers_in("/no/such");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().what, "list /no/such: No such file or directory");
}

}  // namespace
}  // namespace fptrace
