#include "common/proc/stat.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

constexpr std::string_view kLine =
    "42 (a b) S 7 42 42 0 -1 4194560 85 0 0 0 1 2 0 0 20 0 3 0 123456 2478080 221 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

TEST(ParseStat, ReadsTheFieldsOfTheManual) {
  const auto stat = parse_stat(kLine);
  ASSERT_TRUE(stat) << stat.error().what;
  EXPECT_EQ(*stat, (TaskStat{42, 7, "a b", 'S', 4194560, 3, 123456, 1}));
}

TEST(ParseStat, ANameMayLookLikeTheRest) {
  std::string line(kLine);
  line.replace(line.find("a b"), 3, "x) R 1 (\n");
  const auto stat = parse_stat(line);
  ASSERT_TRUE(stat) << stat.error().what;
  EXPECT_EQ(stat->comm, "x) R 1 (\n");
  EXPECT_EQ(stat->parent, 7);
}

TEST(ParseStat, WhatIsCutShortIsRefused) {
  for (size_t size = 0; size < kLine.find(" 17 1 0") + 4; ++size)
    EXPECT_FALSE(parse_stat(kLine.substr(0, size))) << kLine.substr(0, size);
  EXPECT_FALSE(parse_stat("42 )x( S 7"));
  EXPECT_FALSE(parse_stat("x (y) S 7 42 42 0 -1 0 0 0 0 0 1 2 0 0 20 0 3 0 1"));
}

}  // namespace
}  // namespace fptrace
