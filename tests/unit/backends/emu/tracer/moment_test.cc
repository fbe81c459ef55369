#include "backends/emu/tracer/moment.h"

#include <gtest/gtest.h>

namespace fptrace::emu {
namespace {

using Kind = Moment::Kind;

TEST(Moment, IsWrittenInFourWays) {
  EXPECT_EQ(parse_moment("begin")->kind, Kind::kBegin);
  EXPECT_EQ(parse_moment("end")->kind, Kind::kEnd);
  const auto count = parse_moment("123456"), percent = parse_moment("50%");
  EXPECT_EQ(count->kind, Kind::kCount);
  EXPECT_EQ(count->value, 123456u);
  EXPECT_EQ(percent->kind, Kind::kPercent);
  EXPECT_EQ(percent->value, 50u);
}

TEST(Moment, NothingElseIsOne) {
  for (const char* text : {"", "%", "-1", "101%", "1x", "1 ", "0x10", "middle", "1.5%",
                           "9223372036854775808", "99999999999999999999"}) {
    const auto moment = parse_moment(text);
    ASSERT_FALSE(moment) << text;
    EXPECT_EQ(moment.error().code, Errc::kParse) << text;
  }
}

TEST(Moment, PercentagesStandForCounts) {
  EXPECT_EQ(instant_of({Kind::kPercent, 50}, 1001).value, 500u);
  EXPECT_EQ(instant_of({Kind::kPercent, 50}, 1001).kind, Kind::kCount);
  EXPECT_EQ(instant_of({Kind::kPercent, 0}, 1001).value, 0u);
  EXPECT_EQ(instant_of({Kind::kPercent, 100}, 1001).kind, Kind::kEnd);
  EXPECT_EQ(instant_of({Kind::kPercent, 99}, uint64_t{1} << 63).value, 9131138316486228049u);
  EXPECT_EQ(instant_of({Kind::kCount, 7}, 1001).value, 7u);
}

}  // namespace
}  // namespace fptrace::emu
