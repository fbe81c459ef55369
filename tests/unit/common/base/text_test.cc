
#include <gtest/gtest.h>

#include "common/base/text.h"

namespace fptrace {
namespace {

struct Utf8 {
  const char* name;
  std::string bytes;
  bool valid;
};
void PrintTo(const Utf8& u, std::ostream* out) { *out << u.name; }
class IsUtf8 : public ::testing::TestWithParam<Utf8> {};
TEST_P(IsUtf8, AsRfc3629Says) { EXPECT_EQ(is_utf8(GetParam().bytes), GetParam().valid); }
INSTANTIATE_TEST_SUITE_P(
    Text, IsUtf8,
    ::testing::Values(
        Utf8{"Empty", "", true}, Utf8{"Ascii", "a\n\x7f", true}, Utf8{"Two", "\xc3\xa9", true},
        Utf8{"Three", "\xe2\x82\xac", true}, Utf8{"Four", "\xf0\x9f\x98\x80", true},
        Utf8{"Last", "\xf4\x8f\xbf\xbf", true}, Utf8{"TooHigh", "\xf4\x90\x80\x80", false},
        Utf8{"Surrogate", "\xed\xa0\x80", false}, Utf8{"Overlong2", "\xc0\xaf", false},
        Utf8{"Overlong3", "\xe0\x80\xaf", false}, Utf8{"Overlong4", "\xf0\x80\x80\xaf", false},
        Utf8{"Cut", "\xe2\x82", false}, Utf8{"Tail", "\x80", false}, Utf8{"Ff", "\xff", false}),
    [](const auto& info) { return info.param.name; });

TEST(Text, ReadableEscapesOnlyWhatIsNotUtf8) {
  EXPECT_EQ(readable("a\n\xc3\xa9\xff\xe2\x82"), "a\n\xc3\xa9\\xff\\xe2\\x82");
}

TEST(Text, PrintableEscapesControlCharactersToo) {
  EXPECT_EQ(printable("a\x1b[31m\n\xc3\xa9\x7f"), "a\\x1b[31m\\x0a\xc3\xa9\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // CSI as one character
}

TEST(Text, Base64RoundTrips) {
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  for (const std::string s : {"", "f", "fo", "foo", "\xff\xfe", "foob"}) {
    EXPECT_EQ(from_base64(to_base64(s)), s);
  }
}

TEST(Text, Base64RefusesWhatNobodyEncoded) {
  for (const char* s : {"Zg", "Zg=", "Z===", "Zh==", "Zm9*", "=Zg=", "Zg==Zg=="}) {
    EXPECT_FALSE(from_base64(s)) << s;
  }
}

TEST(Text, HashesAreSixtyFourLowerCaseDigits) {
  std::array<uint8_t, 32> h{};
  h[0] = 0xab;
  h[31] = 0x01;
  EXPECT_EQ(sha256_from_hex(to_hex(h)), h);
  EXPECT_FALSE(sha256_from_hex(std::string(63, 'a')));
  EXPECT_FALSE(sha256_from_hex(std::string(64, 'A')));
}

}  // namespace
}  // namespace fptrace
