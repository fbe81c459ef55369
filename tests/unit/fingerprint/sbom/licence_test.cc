#include "fingerprint/sbom/licence.h"

#include <gmock/gmock.h>

namespace fptrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

struct Row {
  const char* name;
  const char* dep5;
  const char* spdx;  // "": an error
};
void PrintTo(const Row& r, std::ostream* out) { *out << r.name; }
class Expression : public ::testing::TestWithParam<Row> {};
TEST_P(Expression, IsSaidInSpdxWords) {
  std::map<std::string, std::string> references;
  const auto e = spdx_expression(GetParam().dep5, "pkg", references);
  EXPECT_EQ(e.value_or(""), GetParam().spdx);
}
INSTANTIATE_TEST_SUITE_P(
    , Expression,
    ::testing::Values(
        Row{"Name", "Expat", "MIT"}, Row{"CaseDoesNotMatter", "gpl-2+", "GPL-2.0-or-later"},
        Row{"Or", "GPL-1+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl"},
        Row{"AndBindsTighter", "ISC or MIT and Zlib", "ISC OR MIT AND Zlib"},
        Row{"CommaBindsLess", "ISC or MIT, and Zlib", "(ISC OR MIT) AND Zlib"},
        Row{"CommaOr", "ISC and MIT, or Zlib", "ISC AND MIT OR Zlib"},
        Row{"TrailingComma", "ISC,", "ISC"}, Row{"Twice", "MIT and Expat or MIT", "MIT"},
        Row{"Unknown", "BSD-like~", "LicenseRef-pkg-BSD-like-"},
        Row{"Exception", "GPL-2+ with OpenSSL exception or MIT",
            "LicenseRef-pkg-GPL-2-or-later-with-OpenSSL-exception OR MIT"},
        Row{"NotUtf8", "x\xff", "LicenseRef-pkg-x-"}, Row{"Empty", "", ""},
        Row{"OnlyAnd", "and", ""}, Row{"AndAtTheEnd", "MIT and", ""},
        Row{"TwoCommas", "MIT,, and ISC", ""}, Row{"CommaWithoutOperator", "MIT, ISC", ""}),
    [](const auto& p) { return std::string(p.param.name); });

TEST(CopyrightFile, AllItsFilesLicencesApplyTogether) {
  const auto l = parse_copyright_file(
      "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
      "Files: *\nCopyright: me\nLicense: GPL-2+ or Expat\n\n"
      "Files: a\nCopyright: me\nLicense: odd\n Do what\n .\n you like.\n\n"
      "Files: debian/*\nCopyright: me\nLicense: strange\n\n"
      "License: strange\n Only on Sundays.\n",
      "pkg");
  ASSERT_TRUE(l);
  EXPECT_EQ(l->expression,
            "(GPL-2.0-or-later OR MIT) AND LicenseRef-pkg-odd AND LicenseRef-pkg-strange");
  EXPECT_THAT(l->references,
              UnorderedElementsAre(Pair("LicenseRef-pkg-odd", "Do what\n\nyou like."),
                                   Pair("LicenseRef-pkg-strange", "Only on Sundays.")));
}
TEST(CopyrightFile, HeaderSpeaksForTheWholePackage) {
  const auto l = parse_copyright_file(
      "Format: http://dep.debian.net/deps/dep5\nLicense: Zlib\n\nFiles: *\nLicense: MIT\n", "p");
  ASSERT_TRUE(l);
  EXPECT_EQ(l->expression, "Zlib");
}
TEST(CopyrightFile, FreeTextIsNotReadAsMore) {
  for (const char* text : {"", "This package was debianized by me.\n",
                           "Format: yes\n\nFiles: *\nLicense: MIT\n", "The Format of it:\n"}) {
    const auto l = parse_copyright_file(text, "p");
    ASSERT_FALSE(l) << text;
  }
  EXPECT_EQ(parse_copyright_file("hello", "p").error().code, Errc::kUnsupported);
}
TEST(CopyrightFile, WithoutALicenceIsAnError) {
  const auto l = parse_copyright_file("Format: copyright-format/1.0\n\nFiles: *\n", "p");
  ASSERT_FALSE(l);
  EXPECT_THAT(l.error().what, HasSubstr("names no licence"));
}

}  // namespace
}  // namespace fptrace
