#include "fingerprint/packages/apk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/fingerprint/packages/temp_root.h"

namespace fptrace {
namespace {

using test::TempRoot;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kInstalled =
    "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\nT:the C library\nF:lib\nR:ld-musl-x86_64.so.1\n"
    "a:0:0:755\nZ:Q1def=\nR:libc.musl-x86_64.so.1\na:0:0:777\n\n"
    "P:busybox\nV:1.36-r9\nA:x86_64\nF:\nR:top\nF:etc\nM:0:0:755\nR:securetty\nF:bin\nR:busybox\n";

TEST(ApkInstalled, GivesPackagesWithTheirFiles) {
  const auto all = parse_apk_installed(kInstalled);
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_THAT(*all,
              ElementsAre(ApkPackage{{"apk", "musl", "1.2.5-r0", "x86_64"},
                                     {"/lib/ld-musl-x86_64.so.1", "/lib/libc.musl-x86_64.so.1"}},
                          ApkPackage{{"apk", "busybox", "1.36-r9", "x86_64"},
                                     {"/top", "/etc/securetty", "/bin/busybox"}}));
}

TEST(ApkInstalled, ErrorsNameTheLine) {
  EXPECT_EQ(parse_apk_installed("P:a\nnonsense\n").error().what,
            "apk installed line 2: no field letter");
  EXPECT_EQ(parse_apk_installed("F:" + std::string(5000, 'x')).error().what,
            "apk installed line 1: too long");
}

TEST(ApkInstalled, ShortTextDoesNotMakeAnEndlessList) {
  std::string text = "F:" + std::string(4000, 'x') + "\n";
  for (int i = 0; i < 50'000; ++i) text += "R:y\n";
  EXPECT_THAT(parse_apk_installed(text).error().what, HasSubstr(": more files than fit"));
}

TEST(Apk, DatabaseIsFoundInBothPlaces) {
  for (const char* place : {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}) {
    TempRoot root;
    root.write(place, kInstalled);
    auto db = ApkDatabase::read(RootDir(root.str()));
    ASSERT_TRUE(db) << db.error().what;
    EXPECT_THAT(db->find("/bin/busybox").packages,
                ElementsAre(Package{"apk", "busybox", "1.36-r9", "x86_64"}));
    EXPECT_THAT(db->find("/usr/bin/busybox").packages.size(), 1u) << "merged /usr";
    EXPECT_THAT(db->find("/bin/none").packages, IsEmpty());
  }
}

TEST(Apk, DamagedDatabaseIsAnErrorThatNamesTheFile) {
  TempRoot root;
  root.write("/lib/apk/db/installed", "?");
  const auto db = ApkDatabase::read(RootDir(root.str()));
  ASSERT_FALSE(db);
  EXPECT_THAT(db.error().what, HasSubstr(root.str() + "/lib/apk/db/installed: apk installed line"));
}

}  // namespace
}  // namespace fptrace
