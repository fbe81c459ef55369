#include "fingerprint/closure/dlopen_note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fptrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(DlopenNote, AlternativesAndPriority) {
  const auto notes = parse_dlopen_note(
      R"([{"feature":"x","soname":["liba.so.2","liba.so.1"],"priority":"required"},)"
      R"({"soname":["libb.so"],"priority":"recommended"},{"soname":["libc.so"]}])");
  ASSERT_EQ(notes.size(), 3u);
  EXPECT_THAT(notes[0].sonames, ElementsAre("liba.so.2", "liba.so.1"));
  EXPECT_TRUE(notes[0].required);
  EXPECT_THAT(notes[1].sonames, ElementsAre("libb.so"));
  EXPECT_FALSE(notes[1].required);
  EXPECT_FALSE(notes[2].required);
}

TEST(DlopenNote, WhatIsNotAsSpecifiedNamesNothing) {
  for (const char* text :
       {"", "{", "{}", "[1,null,[]]", R"([{"soname":"liba.so"}])", R"([{"soname":[]}])",
        R"([{"soname":[1,{}]}])", R"([{"soname":["a\u0000b"]}])", R"([{"priority":"required"}])"}) {
    EXPECT_THAT(parse_dlopen_note(text), IsEmpty()) << text;
  }
  EXPECT_FALSE(parse_dlopen_note(R"([{"soname":["a"],"priority":["required"]}])")[0].required);
}

TEST(DlopenNote, DeepNestingIsNoCrash) {
  EXPECT_THAT(parse_dlopen_note(std::string(900'000, '[')), IsEmpty());
  EXPECT_THAT(parse_dlopen_note(std::string(2'000'000, ' ') + "[]"), IsEmpty());
}

}  // namespace
}  // namespace fptrace
