#include "common/elf/ld_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/unit/common/elf/ld_cache_image.h"

namespace fptrace {
namespace {

using test::LdCacheImage;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

LdCacheImage sample() {
  LdCacheImage image;
  image.entries = {{"libx.so.1", "/v3/libx.so.1", 0x0303, 0},
                   {"libx.so.1", "/lib/libx.so.1", 0x0303, -1, 0x20},
                   {"liby.so", "/lib32/liby.so", 0x0003}};
  image.hwcaps = {"x86-64-v3"};
  return image;
}
std::vector<LdCacheEntry> sample_entries() {
  return {{"libx.so.1", "/v3/libx.so.1", 0x0303, "x86-64-v3", 0},
          {"libx.so.1", "/lib/libx.so.1", 0x0303, "", 0x20},
          {"liby.so", "/lib32/liby.so", 0x0003, "", 0}};
}

TEST(LdCache, NewFormatWithHwcaps) {
  EXPECT_EQ(parse_ld_cache(sample().build()), sample_entries());
}

TEST(LdCache, BigEndianSaysSo) {
  LdCacheImage image = sample();
  image.little = false;
  image.order = 3;
  EXPECT_EQ(parse_ld_cache(image.build()), sample_entries());
}

TEST(LdCache, WithoutByteOrderItIsTheHosts) {
  LdCacheImage image = sample();
  image.order = 0;
  EXPECT_EQ(parse_ld_cache(image.build()), sample_entries());
}

TEST(LdCache, OldFormatInEitherByteOrder) {
  LdCacheImage image;
  image.entries = {{"libc.so.5", "/lib/libc.so.5.4", 1}};
  for (const bool little : {true, false}) {
    image.little = little;
    EXPECT_EQ(parse_ld_cache(image.build_old()),
              (std::vector<LdCacheEntry>{{"libc.so.5", "/lib/libc.so.5.4", 1, "", 0}}));
  }
}

TEST(LdCache, NewFormatBehindTheOldOneIsWhatCounts) {
  LdCacheImage old;
  old.entries = {{"libc.so.5", "/lib/libc.so.5", 1}};
  EXPECT_EQ(parse_ld_cache(old.build_old(sample().build())), sample_entries());
}

TEST(LdCache, EmptyIsEmpty) {
  const auto parsed = parse_ld_cache(LdCacheImage().build());
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_THAT(*parsed, IsEmpty());
}

TEST(LdCache, CutShortAnywhereIsAnErrorValue) {
  const std::string whole = sample().build();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_ld_cache(whole.substr(0, size))) << size << " of " << whole.size();
  }
}

TEST(LdCache, EveryByteMayBeWrongWithoutACrash) {
  size_t refused = 0;
  for (const std::string& whole : {sample().build(), sample().build_old()}) {
    for (size_t i = 0; i < whole.size(); ++i) {
      std::string broken = whole;
      broken[i] = char(broken[i] ^ '\xff');
      if (!parse_ld_cache(broken)) ++refused;
    }
  }
  EXPECT_GT(refused, 40u);
}

struct Bad {
  const char* name;
  std::string image;
  const char* error;
};
void PrintTo(const Bad& b, std::ostream* out) { *out << b.name; }
class BadLdCache : public ::testing::TestWithParam<Bad> {};
std::string with(auto change) {
  LdCacheImage image = sample();
  change(image);
  return image.build();
}
INSTANTIATE_TEST_SUITE_P(
    LdCache, BadLdCache,
    ::testing::Values(
        Bad{"Empty", "", "neither of the two formats"},
        Bad{"OtherVersion", "glibc-ld.so.cache2.0" + std::string(64, '\0'), "neither of the two"},
        Bad{"HeaderOnly", "glibc-ld.so.cache1.1", "header cut short"},
        Bad{"Invalid", with([](LdCacheImage& i) { i.order = 1; }), "marked as invalid"},
        Bad{"NoSuchHwcap", with([](LdCacheImage& i) { i.entries[2].hwcaps = 7; }),
            "entry 2: no such hwcap"},
        Bad{"OldHeader", std::string("ld.so-1.7.0"), "header cut short"}),
    [](const auto& info) { return info.param.name; });
TEST_P(BadLdCache, IsAParseErrorThatNamesThePart) {
  const auto parsed = parse_ld_cache(GetParam().image);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::kParse);
  EXPECT_THAT(parsed.error().what, HasSubstr(GetParam().error));
}

TEST(LdCache, ThisMachinesOwnNamesTheCLibrary) {
  std::ifstream in("/etc/ld.so.cache", std::ios::binary);
  if (!in) GTEST_SKIP() << "no /etc/ld.so.cache";
  std::ostringstream bytes;
  bytes << in.rdbuf();
  const auto parsed = parse_ld_cache(bytes.str());
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_THAT(*parsed, ::testing::Contains(::testing::Field(&LdCacheEntry::name, "libc.so.6")));
}

}  // namespace
}  // namespace fptrace
