#include "fingerprint/debian_version.h"

#include <gtest/gtest.h>

#include <string>

namespace fptrace {
namespace {

struct Pair {
  const char *lower, *higher;
};
static void PrintTo(const Pair& p, std::ostream* out) { *out << p.lower << " < " << p.higher; }

class DebianVersion : public ::testing::TestWithParam<Pair> {};
TEST_P(DebianVersion, IsOrderedAsThePolicySays) {
  const auto [lower, higher] = GetParam();
  EXPECT_TRUE(compare_debian_versions(lower, higher) < 0);
  EXPECT_TRUE(compare_debian_versions(higher, lower) > 0);
  EXPECT_TRUE(compare_debian_versions(lower, lower) == 0);
}
INSTANTIATE_TEST_SUITE_P(, DebianVersion,
                         ::testing::Values(Pair{"2.36-9", "2.41-12"}, Pair{"2.9", "2.10"},
                                           Pair{"1.0~rc1", "1.0"}, Pair{"~~", "~~a"},
                                           Pair{"~~a", "~"}, Pair{"~", ""}, Pair{"", "a"},
                                           Pair{"9.9", "1:0.1"}, Pair{"1.0-1", "1.0-1.1"},
                                           Pair{"1.0a", "1.0+b"}, Pair{"1.0-2", "1.0-10"},
                                           Pair{"3.0.11-1~deb12u2", "3.0.11-1"},
                                           Pair{"1-2-3", "1-2-4"}, Pair{"0:5", "0:0006"},
                                           Pair{"99999999999999999998", "99999999999999999999"}));
TEST(DebianVersions, AnAbsentRevisionOrEpochIsZero) {
  EXPECT_TRUE(compare_debian_versions("1.0", "1.0-0") == 0);
  EXPECT_TRUE(compare_debian_versions("0:1.0", "1.0") == 0);
  EXPECT_TRUE(compare_debian_versions("1.00", "1.0") == 0);
}

}  // namespace
}  // namespace fptrace
