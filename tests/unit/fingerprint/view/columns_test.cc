#include "fingerprint/view/columns.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

const TextStyle kUtf8{0, false}, kAscii{0, true};

TEST(Shown, EscapesWhatDisturbsATerminal) {
  EXPECT_EQ(shown("a\x1b[31m\n\x7f", kUtf8), "a\\x1b[31m\\x0a\\x7f");
  EXPECT_EQ(shown("\xff\xc2\x9b", kUtf8), "\\xff\\xc2\\x9b");
  EXPECT_EQ(shown("a\u202eb\u2066", kUtf8), "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6");
}
TEST(Shown, KeepsLettersUnlessOnlyAsciiIsWanted) {
  EXPECT_EQ(shown("é日", kUtf8), "é日");
  EXPECT_EQ(shown("é", kAscii), "\\xc3\\xa9");
}
TEST(Columns, CountWhatATerminalShows) {
  EXPECT_EQ(columns("abc"), 3u);
  EXPECT_EQ(columns("é"), 1u);
  EXPECT_EQ(columns("e\u0301"), 1u);
  EXPECT_EQ(columns("日本"), 4u);
  EXPECT_EQ(columns("😀"), 2u);
  EXPECT_EQ(columns(""), 0u);
}
TEST(Cut, KeepsWithinTheWidth) {
  EXPECT_EQ(cut("abcdef", 6, kUtf8), "abcdef");
  EXPECT_EQ(cut("abcdef", 5, kUtf8), "abcd…");
  EXPECT_EQ(cut("abcdef", 5, kAscii), "ab...");
  EXPECT_EQ(cut("日本語", 4, kUtf8), "日…");
  EXPECT_EQ(cut_front("/usr/lib/x", 6, kUtf8), "…lib/x");
  EXPECT_EQ(cut_front("日本語", 4, kUtf8), "…語");
}

}  // namespace
}  // namespace fptrace
