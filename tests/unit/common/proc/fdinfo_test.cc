#include "common/proc/fdinfo.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

TEST(ParseFdinfo, FlagsAreOctal) {
  const auto info = parse_fdinfo("pos:\t10\nflags:\t02100002\nmnt_id:\t29\nino:\t4\n");
  ASSERT_TRUE(info) << info.error().what;
  EXPECT_EQ(*info, (FdInfo{10, 02100002}));
}
TEST(ParseFdinfo, WantsFlags) {
  EXPECT_EQ(parse_fdinfo("pos:\t1\n").error().what, "fdinfo: no flags");
}
TEST(ParseFdinfo, NamesTheBadLine) {
  EXPECT_EQ(parse_fdinfo("pos:\t1\nflags:\t9\n").error().what, "fdinfo line 2: bad flags");
  EXPECT_EQ(parse_fdinfo("pos:\tx\n").error().what, "fdinfo line 1: bad pos");
}

}  // namespace
}  // namespace fptrace
