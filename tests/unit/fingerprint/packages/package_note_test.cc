#include "fingerprint/packages/package_note.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

TEST(PackageNote, NamesThePackage) {
  EXPECT_EQ(parse_package_note(R"({"type":"rpm","os":"fedora","name":"coreutils",)"
                               R"("version":"9.1-1.fc38","architecture":"x86_64"})"),
            (Package{"rpm", "coreutils", "9.1-1.fc38", "x86_64"}));
}

TEST(PackageNote, DebIsWhatDpkgInstalls) {
  EXPECT_EQ(parse_package_note(R"({"type":"deb","name":"x","version":"1"})"),
            (Package{"dpkg", "x", "1", ""}));
}

TEST(PackageNote, AnythingElseIsAnErrorValue) {
  for (const char* s : {"", "[]", "{", "{}", R"({"type":"deb"})", R"({"type":1,"name":"x"})"}) {
    EXPECT_FALSE(parse_package_note(s)) << s;
  }
}

}  // namespace
}  // namespace fptrace
