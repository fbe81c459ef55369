#include "frontends/cli/find_verb.h"

#include <gtest/gtest.h>

namespace fptrace::cli {
namespace {

TEST(BytesToFind, AreTextOrHexadecimal) {
  EXPECT_EQ(*bytes_to_find("secret"), "secret");
  EXPECT_EQ(*bytes_to_find("hex:00fF41"), std::string("\x00\xff\x41", 3));
  EXPECT_EQ(*bytes_to_find(std::string(1024, 'x')), std::string(1024, 'x'));
}

TEST(BytesToFind, NothingAndNonsenseAreRefused) {
  for (const std::string& text :
       {std::string(), std::string("hex:"), std::string("hex:0"), std::string("hex:0g"),
        std::string("hex:+1"), std::string("hex:00 1"), std::string(1025, 'x')}) {
    const auto bytes = bytes_to_find(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code, Errc::kParse);
  }
}

}  // namespace
}  // namespace fptrace::cli
