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
  std::vector<std::string> owners(const std::string& path) {
    const auto db = DpkgDatabase::read(root);
    EXPECT_TRUE(db) << db.error().what;
    std::vector<std::string> out;
    for (const Package& p : db->owners(path)) out.push_back(p.name + ":" + p.arch);
    return out;
  }
  fs::path root;
};

TEST_F(DpkgTest, FileBelongsToThePackageThatListsIt) {
  package("hello", "amd64", "/usr\n/usr/bin\n/usr/bin/hello\n");
  const auto db = DpkgDatabase::read(root);
  ASSERT_TRUE(db);
  EXPECT_THAT(db->owners("/usr/bin/hello"), ElementsAre(Package{"dpkg", "hello", "1", "amd64"}));
  EXPECT_THAT(db->owners("/usr/bin/other"), IsEmpty());
  EXPECT_THAT(db->owners("/usr/bin/hell"), IsEmpty());
  EXPECT_THAT(db->owners("relative"), IsEmpty());
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
  EXPECT_TRUE(DpkgDatabase::read(root)->empty());
}

TEST_F(DpkgTest, ListOfAnUnknownPackageIsLeftAlone) {
  package("known", "amd64", "/usr/bin/a\n");
  std::ofstream(root / "var/lib/dpkg/info/ghost.list") << "/usr/bin/b\n";
  EXPECT_THAT(owners("/usr/bin/b"), IsEmpty());
}

TEST_F(DpkgTest, NativeArchitectureIsThatOfDpkg) {
  package("dpkg", "arm64", "/usr/bin/dpkg\n");
  EXPECT_EQ(DpkgDatabase::read(root)->native_arch(), "arm64");
}

TEST_F(DpkgTest, DamagedDatabaseIsAnErrorValue) {
  package("a", "amd64", "/x\n");
  diversions("/usr/bin/a\n");
  const auto db = DpkgDatabase::read(root);
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().what, "dpkg diversions line 1: cut short");
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

// On a Debian machine the real database must answer too, and quickly.
TEST(DpkgHost, MapsAThousandFilesInHalfASecond) {
  if (!fs::exists("/var/lib/dpkg/status")) GTEST_SKIP() << "no dpkg here";
  const auto begin = std::chrono::steady_clock::now();
  const auto db = DpkgDatabase::read("");
  ASSERT_TRUE(db) << db.error().what;
  size_t owned = 0;
  for (int i = 0; i < 1000; ++i) owned += db->owners("/usr/bin/dpkg").size();
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(owned, 1000u);
  EXPECT_LT(std::chrono::duration<double>(took).count(), 0.5 * 4);  // unoptimized, sanitized
  RecordProperty("milliseconds",
                 int(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

TEST(DpkgHost, EveryFileThatLibc6ListsIsOwned) {
  const auto db = DpkgDatabase::read("");
  ASSERT_TRUE(db);
  const std::string list = "/var/lib/dpkg/info/libc6:" + db->native_arch() + ".list";
  std::ifstream in(list);
  if (!in) GTEST_SKIP() << "no " << list;
  size_t files = 0;
  for (std::string line; std::getline(in, line);) {
    std::error_code ec;
    const fs::path real = fs::canonical(line, ec);
    if (ec || !fs::is_regular_file(real, ec)) continue;
    ++files;
    const auto owners = db->owners(real);
    const bool found = std::any_of(owners.begin(), owners.end(),
                                   [](const Package& p) { return p.name == "libc6"; });
    EXPECT_TRUE(found) << real;
  }
  EXPECT_GT(files, 10u);
}

}  // namespace
}  // namespace fptrace
