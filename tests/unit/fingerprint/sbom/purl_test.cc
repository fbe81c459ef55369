#include "fingerprint/sbom/purl.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

struct Row {
  const char* name;
  Package package;
  const char* os;
  const char* purl;
};
void PrintTo(const Row& r, std::ostream* out) { *out << r.name; }
class Purl : public ::testing::TestWithParam<Row> {};
TEST_P(Purl, IsCanonical) {
  EXPECT_EQ(purl(GetParam().package, distribution_of(GetParam().os)), GetParam().purl);
}
constexpr const char* kDebian = "Debian GNU/Linux 12 (bookworm)";
INSTANTIATE_TEST_SUITE_P(
    , Purl,
    ::testing::Values(
        Row{"Deb",
            {"dpkg", "libstdc++6", "12.2.0-14+deb12u1", "amd64"},
            kDebian,
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12"},
        Row{"DebEpochAndTilde",
            {"dpkg", "git", "1:2.39.5-0+deb12u2~x", "all"},
            kDebian,
            "pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u2~x?arch=all&distro=debian-12"},
        Row{"DebOfSid",
            {"dpkg", "a", "1", "all"},
            "Debian GNU/Linux trixie/sid",
            "pkg:deb/debian/a@1?arch=all"},
        Row{"DebOfUbuntu",
            {"dpkg", "a", "1", ""},
            "Ubuntu 22.04.3 LTS",
            "pkg:deb/ubuntu/a@1?distro=ubuntu-22.04.3"},
        Row{"DebOfUnknown", {"dpkg", "a", "1", ""}, "", "pkg:deb/debian/a@1"},
        Row{"Rpm",
            {"rpm", "Foo", "2:1.2-3.fc39", "x86_64"},
            "Fedora Linux 39 (Workstation)",
            "pkg:rpm/fedora/Foo@1.2-3.fc39?arch=x86_64&distro=fedora-39&epoch=2"},
        Row{"Apk",
            {"apk", "musl", "1.2.4-r2", "x86_64"},
            "Alpine Linux v3.18",
            "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.18"},
        Row{"Pypi", {"pypi", "Foo_Bar", "1.0", ""}, kDebian, "pkg:pypi/foo-bar@1.0"},
        Row{"NpmScope",
            {"npm", "@babel/core", "7.0.0", ""},
            kDebian,
            "pkg:npm/%40babel/core@7.0.0"},
        Row{"Npm", {"npm", "left-pad", "1.0", ""}, kDebian, "pkg:npm/left-pad@1.0"},
        Row{"GemOfAPlatform",
            {"gem", "nokogiri", "1.15", "x86_64-linux"},
            kDebian,
            "pkg:gem/nokogiri@1.15?platform=x86_64-linux"},
        Row{"Cran", {"cran", "A3", "1.0.0", ""}, kDebian, "pkg:cran/A3@1.0.0"},
        Row{"Maven", {"maven", "org.a.b:c", "1", ""}, kDebian, "pkg:maven/org.a.b/c@1"},
        Row{"MavenWithoutGroup", {"maven", "c", "1", ""}, kDebian, "pkg:maven/c@1"},
        Row{"Conda",
            {"conda", "absl-py", "0.4.1", "linux-64"},
            kDebian,
            "pkg:conda/absl-py@0.4.1?subdir=linux-64"},
        Row{"Unknown", {"nix", "a b/c", "", ""}, kDebian, "pkg:generic/a%20b%2Fc"},
        Row{"NotUtf8", {"dpkg", "a\xff", "1@?#", ""}, "", "pkg:deb/debian/a%FF@1%40%3F%23"}),
    [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace fptrace
