#include "fingerprint/packages/dpkg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace fptrace {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A root directory with a dpkg database of the test's own.
class DpkgTest : public ::testing::Test {
 protected:
  DpkgTest() {
    std::string name = ::testing::TempDir() + "fptrace-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
    fs::create_directories(root / "var/lib/dpkg/info");
  }
  ~DpkgTest() override {
    if (!HasFailure()) fs::remove_all(root);
  }
  void package(const std::string& name, const std::string& arch, const std::string& files,
               const std::string& more = "", bool arch_in_list_name = false) {
    std::ofstream(root / "var/lib/dpkg/status", std::ios::app)
        << "Package: " << name << "\nStatus: install ok installed\nArchitecture: " << arch
        << "\nVersion: 1\n"
        << more << "\n";
    std::ofstream(root / "var/lib/dpkg/info" /
                  (name + (arch_in_list_name ? ":" + arch : "") + ".list"))
        << "/.\n"
        << files;
  }
  void diversions(const std::string& text) {
    std::ofstream(root / "var/lib/dpkg/diversions") << text;
  }
  Result<DpkgDatabase> read() { return DpkgDatabase::read(RootDir(root), problems); }
  std::vector<std::string> owners(const std::string& path) {
    auto db = read();
    EXPECT_TRUE(db) << db.error().what;
    std::vector<std::string> out;
    for (const Package& p : db->find(path).packages) out.push_back(p.name + ":" + p.arch);
    return out;
  }
  fs::path root;
  Problems problems;
};

TEST_F(DpkgTest, FileBelongsToThePackageThatListsIt) {
  package("hello", "amd64", "/usr\n/usr/bin\n/usr/bin/hello\n");
  auto db = read();
  ASSERT_TRUE(db);
  EXPECT_THAT(db->find("/usr/bin/hello").packages,
              ElementsAre(Package{"dpkg", "hello", "1", "amd64"}));
  EXPECT_THAT(db->find("/usr/bin/other").packages, IsEmpty());
  EXPECT_THAT(db->find("/usr/bin/hell").packages, IsEmpty());
  EXPECT_THAT(db->find("relative").packages, IsEmpty());
}

TEST_F(DpkgTest, MergedUsrIsFoundByEitherSpelling) {
  package("libc6", "amd64", "/lib/x86_64-linux-gnu/libc.so.6\n", "", true);
  package("dash", "amd64", "/usr/bin/dash\n");
  EXPECT_THAT(owners("/usr/lib/x86_64-linux-gnu/libc.so.6"), ElementsAre("libc6:amd64"));
  EXPECT_THAT(owners("/lib/x86_64-linux-gnu/libc.so.6"), ElementsAre("libc6:amd64"));
  EXPECT_THAT(owners("/bin/dash"), ElementsAre("dash:amd64"));
}

TEST_F(DpkgTest, UnmergedUsrHasTwoDirectories) {
  fs::create_directories(root / "bin");
  package("old", "amd64", "/bin/x\n");
  EXPECT_THAT(owners("/bin/x"), ElementsAre("old:amd64"));
  EXPECT_THAT(owners("/usr/bin/x"), IsEmpty());
}

TEST_F(DpkgTest, SeveralOwnersAreAllNamed) {
  package("libx", "i386", "/usr/share/doc/libx/c\n", "", true);
  package("libx", "amd64", "/usr/share/doc/libx/c\n", "", true);
  package("third", "all", "/usr/share/doc/libx/c\n");
  EXPECT_THAT(owners("/usr/share/doc/libx/c"), ElementsAre("libx:amd64", "libx:i386", "third:all"));
}

TEST_F(DpkgTest, DivertedFileBelongsToTheDiverter) {
  package("perf", "amd64", "/usr/bin/perf\n");
  package("tools", "amd64", "/usr/bin/perf\n");
  diversions("/usr/bin/perf\n/usr/bin/perf.wrapper\nperf\n");
  EXPECT_THAT(owners("/usr/bin/perf"), ElementsAre("perf:amd64"));
  EXPECT_THAT(owners("/usr/bin/perf.wrapper"), ElementsAre("tools:amd64"));
}

TEST_F(DpkgTest, DiversionIsSeenThroughAMergedUsr) {
  package("new", "amd64", "/usr/sbin/x\n");
  package("old", "amd64", "/sbin/x\n");
  diversions("/sbin/x\n/sbin/x.real\nnew\n");
  EXPECT_THAT(owners("/usr/sbin/x"), ElementsAre("new:amd64"));
  EXPECT_THAT(owners("/usr/sbin/x.real"), ElementsAre("old:amd64"));
}

TEST_F(DpkgTest, LocalDiversionLeavesNoOwner) {
  package("tool", "amd64", "/usr/bin/tool\n");
  diversions("/usr/bin/tool\n/usr/bin/tool.distrib\n:\n");
  EXPECT_THAT(owners("/usr/bin/tool"), IsEmpty());
  EXPECT_THAT(owners("/usr/bin/tool.distrib"), ElementsAre("tool:amd64"));
}

TEST_F(DpkgTest, ConffilesBelongToTheirPackageAlsoWhenObsolete) {
  package("ssh", "amd64", "/etc/ssh/config\n",
          "Conffiles:\n /etc/ssh/config 0123456789abcdef0123456789abcdef\n"
          " /etc/with blank 0123456789abcdef0123456789abcdef\n"
          " /etc/old 0123456789abcdef0123456789abcdef obsolete\nDescription: x\n y /z\n");
  EXPECT_THAT(owners("/etc/ssh/config"), ElementsAre("ssh:amd64"));
  EXPECT_THAT(owners("/etc/old"), ElementsAre("ssh:amd64"));
  EXPECT_THAT(owners("/etc/with blank"), ElementsAre("ssh:amd64"));
}

TEST_F(DpkgTest, RootWithoutADatabaseOwnsNothing) {
  EXPECT_THAT(owners("/usr/bin/x"), IsEmpty());
  EXPECT_TRUE(read()->empty());
}

TEST_F(DpkgTest, ListOfAnUnknownPackageIsLeftAlone) {
  package("known", "amd64", "/usr/bin/a\n");
  std::ofstream(root / "var/lib/dpkg/info/ghost.list") << "/usr/bin/b\n";
  EXPECT_THAT(owners("/usr/bin/b"), IsEmpty());
}

TEST_F(DpkgTest, NativeArchitectureIsThatOfDpkg) {
  package("dpkg", "arm64", "/usr/bin/dpkg\n");
  EXPECT_EQ(read()->native_arch(), "arm64");
}

TEST_F(DpkgTest, ConfigurationFilesAreTold) {
  package("a", "amd64", "/etc/a\n/usr/bin/a\n",
          "Conffiles:\n /etc/a 00 remove-on-upgrade\n /etc/b 00 obsolete remove-on-upgrade\n");
  auto db = read();
  ASSERT_TRUE(db);
  EXPECT_TRUE(db->find("/etc/a").config);
  EXPECT_TRUE(db->find("/etc/b").config);
  EXPECT_FALSE(db->find("/usr/bin/a").config);
}

TEST_F(DpkgTest, ObsoleteConffileThatAnotherPackageShipsIsTheOthers) {
  package("old", "amd64", "", "Conffiles:\n /etc/x 00 obsolete\n");
  package("new", "amd64", "/etc/x\n");
  EXPECT_THAT(owners("/etc/x"), ElementsAre("new:amd64"));
  EXPECT_FALSE(read()->find("/etc/x").config);
}

TEST_F(DpkgTest, RemovedPackageKeepsItsConfigurationFiles) {
  std::ofstream(root / "var/lib/dpkg/status")
      << "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\n"
         "Config-Version: 3\nConffiles:\n /etc/gone 00\n\n"
         "Package: never\nStatus: purge ok not-installed\nArchitecture: amd64\n"
         "Conffiles:\n /etc/never 00\n";
  EXPECT_THAT(read()->find("/etc/gone").packages,
              ElementsAre(Package{"dpkg", "gone", "3", "amd64"}));
  EXPECT_THAT(owners("/etc/never"), IsEmpty());
}

TEST_F(DpkgTest, ListIsThatOfTheInstalledArchitecture) {
  std::ofstream(root / "var/lib/dpkg/status")
      << "Package: a\nStatus: deinstall ok config-files\nArchitecture: i386\nVersion: 1\n\n"
         "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n";
  std::ofstream(root / "var/lib/dpkg/info/a.list") << "/usr/bin/a\n";
  EXPECT_THAT(owners("/usr/bin/a"), ElementsAre("a:amd64"));
}

TEST_F(DpkgTest, ChangesNotYetInTheStatusFileCount) {
  package("a", "amd64", "/usr/bin/a\n");
  package("b", "amd64", "/usr/bin/b\n");
  fs::create_directories(root / "var/lib/dpkg/updates");
  std::ofstream(root / "var/lib/dpkg/updates/0000")
      << "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5\n";
  std::ofstream(root / "var/lib/dpkg/updates/tmp.i") << "nonsense";
  EXPECT_EQ(read()->find("/usr/bin/a").packages.at(0).version, "5");
  EXPECT_EQ(read()->find("/usr/bin/b").packages.at(0).version, "1");
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(DpkgTest, NativeArchitectureComesFirst) {
  package("a", "all", "/x\n");
  package("z", "amd64", "/x\n");
  package("dpkg", "amd64", "");
  EXPECT_THAT(owners("/x"), ElementsAre("z:amd64", "a:all"));
}

TEST_F(DpkgTest, NamesAreBytesNotText) {
  package("a", "amd64", "/usr/share/\xff\xfe/n\n");
  EXPECT_THAT(owners("/usr/share/\xff\xfe/n"), ElementsAre("a:amd64"));
}

TEST_F(DpkgTest, ImageWithoutDpkgHasOneFileAPackage) {
  fs::remove_all(root / "var/lib/dpkg/info");
  fs::create_directories(root / "var/lib/dpkg/status.d");
  std::ofstream(root / "var/lib/dpkg/status.d/libc6")
      << "Package: libc6\nVersion: 2\nArchitecture: amd64\n";
  std::ofstream(root / "var/lib/dpkg/status.d/libc6.md5sums")
      << "0123456789abcdef0123456789abcdef  lib/x86_64-linux-gnu/libc.so.6\n";
  EXPECT_THAT(owners("/usr/lib/x86_64-linux-gnu/libc.so.6"), ElementsAre("libc6:amd64"));
}

TEST_F(DpkgTest, FilesThatUcfMadeAreConfigurationFiles) {
  package("ssl", "all", "");
  fs::create_directories(root / "var/lib/ucf");
  std::ofstream(root / "var/lib/ucf/registry") << "ssl \t /etc/ssl.conf\nghost \t /etc/g\n";
  EXPECT_THAT(owners("/etc/ssl.conf"), ElementsAre("ssl:all"));
  EXPECT_TRUE(read()->find("/etc/ssl.conf").config);
  EXPECT_THAT(owners("/etc/g"), IsEmpty());
}

TEST_F(DpkgTest, DamagedDiversionsAreToldAndTheRestCounts) {
  package("a", "amd64", "/x\n");
  diversions("/usr/bin/a\n");
  EXPECT_THAT(owners("/x"), ElementsAre("a:amd64"));
  EXPECT_THAT(problems, ElementsAre(root.string() + "/var/lib/dpkg/diversions: dpkg diversions "
                                                    "line 1: cut short"));
}

TEST_F(DpkgTest, ListThatIsNoFileIsTold) {
  package("a", "amd64", "/x\n");
  fs::remove(root / "var/lib/dpkg/info/a.list");
  fs::create_directories(root / "var/lib/dpkg/info/a.list");
  EXPECT_THAT(owners("/x"), IsEmpty());
  EXPECT_THAT(problems,
              ElementsAre(root.string() + "/var/lib/dpkg/info/a.list: not a regular file"));
}

TEST_F(DpkgTest, LinksDoNotLeadOutOfTheRoot) {
  fs::remove_all(root / "var/lib/dpkg");
  fs::create_symlink("/../../../../../../../../../../var/lib/dpkg", root / "var/lib/dpkg");
  EXPECT_THAT(owners("/usr/bin/dpkg"), IsEmpty());
}

TEST(DpkgStatus, ErrorsNameTheLine) {
  const auto r = parse_dpkg_status("Package: a\nVersion: 1\nnonsense\n");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().what, "dpkg status line 3: no field name");
}

TEST(DpkgDiversions, ErrorsNameTheLine) {
  EXPECT_EQ(parse_dpkg_diversions("/a\nb\nc\n").error().what, "dpkg diversions line 2: not a path");
  EXPECT_EQ(parse_dpkg_diversions("/a\n/b\n").error().what, "dpkg diversions line 2: cut short");
}

}  // namespace
}  // namespace fptrace
