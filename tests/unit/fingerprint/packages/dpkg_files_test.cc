#include "fingerprint/packages/dpkg_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace fptrace {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Names = std::vector<std::string>;

TEST(ParseDpkgTies, TakesTheNamesAlone) {
  const auto ties = parse_dpkg_ties(
      "Package: gcc\nStatus: install ok installed\nArchitecture: amd64\n"
      "Depends: cpp (= 4:12.2), libc6 (>= 2.3) | libc6.1, perl:any\nPre-Depends: dpkg\n"
      "Recommends: libc6-dev | libc-dev\nSuggests: make\n"
      "Provides: c-compiler, gcc-x86-64-linux-gnu (= 4)\nDescription: x\n Depends: no\n\n"
      "Package: gone\nStatus: deinstall ok config-files\n\n"
      "no field at all\nPackage: last\nStatus: hold ok installed");
  ASSERT_EQ(ties.size(), 2u);
  EXPECT_EQ(ties[0], (DpkgTies{"gcc",
                               "amd64",
                               {"cpp", "libc6", "libc6.1", "perl", "dpkg"},
                               {"libc6-dev", "libc-dev"},
                               {"c-compiler", "gcc-x86-64-linux-gnu"}}));
  EXPECT_EQ(ties[1].name, "last");
  EXPECT_THAT(parse_dpkg_ties(""), IsEmpty());
  EXPECT_THAT(parse_dpkg_ties("Depends: , | ,(\n:\n"), IsEmpty());
}

class DpkgFiles : public ::testing::Test {
 protected:
  DpkgFiles() {
    std::string name = ::testing::TempDir() + "fptrace-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    fs::create_directories(root_ + "/var/lib/dpkg/info");
  }
  ~DpkgFiles() override { fs::remove_all(root_); }

  void package(const std::string& name, const std::string& more, const std::string& list,
               const std::string& files) {
    std::ofstream(root_ + "/var/lib/dpkg/status", std::ios::app)
        << "Package: " << name << "\nStatus: install ok installed\nArchitecture: amd64\n"
        << more << "\n";
    std::ofstream(root_ + "/var/lib/dpkg/info/" + list + ".list") << "/.\n" << files;
  }
  std::vector<std::string> files(const std::set<std::string>& names, bool recommended = false) {
    return dpkg_files_with_dependencies(RootDir(root_), names, recommended);
  }
  std::string root_;
};

TEST_F(DpkgFiles, AreThoseOfDependenciesToo) {
  package("a", "Depends: b | none, virtual\n", "a", "/usr/bin/a\n/usr/share/doc/a/x\n");
  package("b", "Pre-Depends: a\n", "b:amd64", "/usr/lib/b\n");
  package("c", "Provides: virtual (= 1)\n", "c", "/usr/lib/c\n");
  package("d", "", "d", "/usr/lib/d\n");
  EXPECT_THAT(files({"a"}), UnorderedElementsAre("/usr/bin/a", "/usr/lib/b", "/usr/lib/c"));
  EXPECT_THAT(files({"d"}), ElementsAre("/usr/lib/d"));
  EXPECT_THAT(files({"none"}), IsEmpty());
  EXPECT_THAT(files({}), IsEmpty());
}

TEST_F(DpkgFiles, AreThoseThatAreRecommendedByWhoIsNear) {
  package("a", "Depends: b\nRecommends: r\n", "a", "/a\n");
  package("b", "Depends: c\nRecommends: s\n", "b", "/b\n");
  package("c", "Recommends: t\n", "c", "/c\n");
  for (const char* name : {"r", "s", "t"}) package(name, "", name, "/" + std::string(name) + "\n");
  EXPECT_THAT(files({"a"}), UnorderedElementsAre("/a", "/b", "/c"));
  EXPECT_THAT(files({"a"}, true), UnorderedElementsAre("/a", "/b", "/c", "/r", "/s"));
}

TEST_F(DpkgFiles, ADirectoryIsPrivateThatFewPackagesHave) {
  package("a", "", "a", "/usr/lib/a\n/usr/lib\n");
  package("b", "", "b", "/usr/lib\n/usr/lib/b\n/usr/lib/a/x\n");
  EXPECT_THAT(dpkg_private_directories(RootDir(root_), {"/usr/lib", "/usr/lib/a", "/usr/lib/b"}, 1),
              ElementsAre("/usr/lib/a", "/usr/lib/b"));
}

TEST_F(DpkgFiles, OwnersAreFoundByEitherNameOfAMergedDirectory) {
  package("a", "", "a", "/bin/a\n/usr/bin/b\n");
  package("b", "", "b:amd64", "/usr/bin/b\n/usr/bin/c\n");
  const auto found =
      dpkg_packages_of(RootDir(root_), {"/usr/bin/a", "/usr/bin/b", "/usr/bin/d", "/c"});
  EXPECT_THAT(found, UnorderedElementsAre(Pair("/usr/bin/a", std::set<std::string>{"a"}),
                                          Pair("/usr/bin/b", std::set<std::string>{"a", "b"})));
}

TEST_F(DpkgFiles, WithoutADatabaseThereAreNone) { EXPECT_THAT(files({"a"}), IsEmpty()); }

}  // namespace
}  // namespace fptrace
