#include "common/elf/elf_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/common/elf/elf_image.h"

namespace fptrace {
namespace {

using test::ElfImage;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Layout {
  const char* name;
  bool is_64, little_endian;
};
void PrintTo(const Layout& l, std::ostream* out) { *out << l.name; }

ElfImage library(const Layout& l) {
  ElfImage e(l.is_64, l.little_endian);
  e.soname = "libx.so.1";
  e.interpreter = "/lib/ld.so";
  e.rpath = "$ORIGIN/../lib";
  e.runpath = "/opt/lib:/x";
  e.needed = {"libc.so.6", "libm.so.6"};
  e.versions_needed = {{"libc.so.6", {"GLIBC_2.34", "GLIBC_2.2.5"}}, {"libm.so.6", {"GLIBC_2.29"}}};
  e.versions_defined = {"libx.so.1", "X_1.0", "X_1.1"};
  e.build_id = "\x01\xab";
  e.package_note = R"({"type":"deb","name":"x"})";
  return e;
}

class EveryLayout : public ::testing::TestWithParam<Layout> {};
INSTANTIATE_TEST_SUITE_P(Elf, EveryLayout,
                         ::testing::Values(Layout{"Little64", true, true},
                                           Layout{"Big64", true, false},
                                           Layout{"Little32", false, true},
                                           Layout{"Big32", false, false}),
                         [](const auto& info) { return info.param.name; });

TEST_P(EveryLayout, SaysWhoItIsAndWhatItNeeds) {
  const Layout l = GetParam();
  const auto id = parse_elf(library(l).build());
  ASSERT_TRUE(id) << id.error().what;
  EXPECT_EQ(id->is_64, l.is_64);
  EXPECT_EQ(id->little_endian, l.little_endian);
  EXPECT_EQ(id->machine, EM_X86_64);
  EXPECT_EQ(id->soname, "libx.so.1");
  EXPECT_EQ(id->interpreter, "/lib/ld.so");
  EXPECT_EQ(id->rpath, "$ORIGIN/../lib");
  EXPECT_EQ(id->runpath, "/opt/lib:/x");
  EXPECT_THAT(id->needed, ElementsAre("libc.so.6", "libm.so.6"));
  EXPECT_EQ(id->build_id, "01ab");
  EXPECT_EQ(id->package_note, R"({"type":"deb","name":"x"})");
}

TEST_P(EveryLayout, SpellsVersionsAsRpmDoes) {
  const auto id = parse_elf(library(GetParam()).build());
  ASSERT_TRUE(id) << id.error().what;
  if (GetParam().is_64) {
    EXPECT_THAT(id->requires_, ElementsAre("libc.so.6()(64bit)", "libc.so.6(GLIBC_2.2.5)(64bit)",
                                           "libc.so.6(GLIBC_2.34)(64bit)", "libm.so.6()(64bit)",
                                           "libm.so.6(GLIBC_2.29)(64bit)"));
    EXPECT_THAT(id->provides, ElementsAre("libx.so.1()(64bit)", "libx.so.1(X_1.0)(64bit)",
                                          "libx.so.1(X_1.1)(64bit)"));
  } else {
    EXPECT_THAT(id->requires_,
                ElementsAre("libc.so.6", "libc.so.6(GLIBC_2.2.5)", "libc.so.6(GLIBC_2.34)",
                            "libm.so.6", "libm.so.6(GLIBC_2.29)"));
    EXPECT_THAT(id->provides, ElementsAre("libx.so.1", "libx.so.1(X_1.0)", "libx.so.1(X_1.1)"));
  }
}

// Cut anywhere, the file is an error or a smaller truth, never a crash. The string table comes
// last, so every cut loses something that is asked for.
TEST_P(EveryLayout, CutShortAnywhereIsAnErrorValue) {
  const std::string whole = library(GetParam()).build();
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    EXPECT_FALSE(parse_elf(cut)) << "cut to " << size << " of " << whole.size();
  }
}

TEST_P(EveryLayout, EveryByteMayBeWrongWithoutACrash) {
  const std::string whole = library(GetParam()).build();
  size_t refused = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string broken = whole;
      broken[i] = char(broken[i] ^ flip);
      if (!parse_elf(broken)) ++refused;
    }
  }
  EXPECT_GT(refused, 0u);
}

struct Bad {
  const char* name;
  std::string image;
  const char* error;
};
void PrintTo(const Bad& b, std::ostream* out) { *out << b.name; }
class BadElf : public ::testing::TestWithParam<Bad> {};

std::string without(const char* what) {
  ElfImage e = library({"", true, true});
  std::string image = e.build();
  const size_t at = image.find(what);
  EXPECT_NE(at, image.npos);
  return image.substr(0, at);
}
INSTANTIATE_TEST_SUITE_P(
    Elf, BadElf,
    ::testing::Values(Bad{"Empty", "", "not an ELF file"}, Bad{"Text", "#!/bin/sh\n", "not an ELF"},
                      Bad{"OnlyMagic", "\177ELF", "ELF: "},
                      Bad{"Archive", "!<arch>\n", "not an ELF file"},
                      Bad{"NoStrings", without("libx.so.1"), "string table is outside the file"}),
    [](const auto& info) { return info.param.name; });
TEST_P(BadElf, IsAParseErrorThatNamesThePart) {
  const auto id = parse_elf(GetParam().image);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Errc::kParse);
  EXPECT_THAT(id.error().what, HasSubstr(GetParam().error));
}

TEST(ReadElf, ThisProgramNeedsTheCLibrary) {
  const auto id = read_elf("/proc/self/exe");
  ASSERT_TRUE(id) << id.error().what;
  EXPECT_TRUE(id->dynamic);
  EXPECT_THAT(id->needed, Contains(StartsWith("libc.so")));
  EXPECT_THAT(id->requires_, Contains(HasSubstr("(GLIBC_")));
  EXPECT_FALSE(id->interpreter.empty());
}

TEST(ReadElf, MissingFileIsAnErrorThatNamesIt) {
  const auto id = read_elf("/nonexistent/x");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().what, "open /nonexistent/x: No such file or directory");
}

TEST(ReadElf, DirectoryIsNotElf) {
  const auto id = read_elf("/");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Errc::kParse);
}

}  // namespace
}  // namespace fptrace
