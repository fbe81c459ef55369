#include "fingerprint/sbom/control_file.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

TEST(ControlFile, HasParagraphsOfFields) {
  const auto p = parse_control_file("Package: a\nVersion:  1:2 \n\n\nPackage: b\n");
  ASSERT_TRUE(p);
  ASSERT_EQ(p->size(), 2u);
  EXPECT_EQ(field((*p)[0], "Package"), "a");
  EXPECT_EQ(field((*p)[0], "version"), "1:2");
  EXPECT_EQ(field((*p)[1], "PACKAGE"), "b");
  EXPECT_EQ(field((*p)[1], "Version"), "");
}
TEST(ControlFile, ContinuationLinesBelongToTheValue) {
  const auto p = parse_control_file("License: MIT\n one\n .\n  two\n\tthree\nComment:\n x");
  ASSERT_TRUE(p);
  EXPECT_EQ(field((*p)[0], "License"), "MIT\none\n\n two\nthree");
  EXPECT_EQ(field((*p)[0], "Comment"), "\nx");
}
TEST(ControlFile, CommentsAndCarriageReturnsAreNoContent) {
  const auto p = parse_control_file("# hello\r\nA: b\r\n# more\r\n c\r\n\r\nD: e\r\n");
  ASSERT_TRUE(p);
  ASSERT_EQ(p->size(), 2u);
  EXPECT_EQ(field((*p)[0], "A"), "b\nc");
}
TEST(ControlFile, EmptyTextHasNoParagraphs) {
  EXPECT_TRUE(parse_control_file("")->empty());
  EXPECT_TRUE(parse_control_file("\n \n\n")->empty());
}

struct Bad {
  const char* name;
  const char* text;
  const char* error;
};
void PrintTo(const Bad& b, std::ostream* out) { *out << b.name; }
class BadControlFile : public ::testing::TestWithParam<Bad> {};
TEST_P(BadControlFile, NamesTheLine) {
  const auto p = parse_control_file(GetParam().text);
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().what, GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    , BadControlFile,
    ::testing::Values(Bad{"NoName", "A: b\nhello\n", "line 2: no field name"},
                      Bad{"EmptyName", ": b\n", "line 1: no field name"},
                      Bad{"ContinuesNothing", " b\n", "line 1: continues no field"},
                      Bad{"ContinuesAParagraph", "A: b\n\n c\n", "line 3: continues no field"}),
    [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace fptrace
