// RootDirectory, RootLoader and verify() on a system of a few files in a scratch directory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/content/sha256.h"
#include "fingerprint/root_loader.h"
#include "fingerprint/verify.h"

namespace fptrace {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Strings = std::vector<std::string>;

class RootTest : public ::testing::Test {
 protected:
  RootTest() {
    char name[] = "/tmp/fptrace-root-XXXXXX";
    top_ = ::mkdtemp(name);
    fs::create_directory(top_ + "/root");
  }
  ~RootTest() override { fs::remove_all(top_); }

  std::string host(const std::string& path) const { return top_ + "/root" + path; }
  void file(const std::string& path, const std::string& content) const {
    fs::create_directories(fs::path(host(path)).parent_path());
    std::ofstream(host(path), std::ios::binary) << content;
  }
  void link(const std::string& path, const std::string& target) const {
    fs::create_directories(fs::path(host(path)).parent_path());
    fs::create_symlink(target, host(path));
  }
  RootDirectory root() const { return *RootDirectory::open(top_ + "/root"); }
  std::string found(const std::string& path) const {
    const PathLookup l = root().find(path);
    return l.found ? l.found->path : "errno " + std::to_string(l.lost.error);
  }

  std::string top_;
};

TEST_F(RootTest, LinksStayInside) {
  file("/etc/passwd", "inside");
  std::ofstream(top_ + "/secret") << "outside";
  link("/a", "/etc/passwd");
  link("/b", "../../../../secret");
  link("/c", top_ + "/secret");
  link("/up", "../..");
  EXPECT_EQ(found("/a"), "/etc/passwd");
  EXPECT_EQ(found("/b"), "errno " + std::to_string(ENOENT));
  EXPECT_EQ(found("/c"), "errno " + std::to_string(ENOENT));
  EXPECT_EQ(found("/up/etc/passwd"), "/etc/passwd");
  EXPECT_EQ(found("/../../etc/passwd"), "/etc/passwd");
  EXPECT_EQ(found("etc//./passwd"), "/etc/passwd");
  EXPECT_EQ(*root().files().read("/a", 100), "inside");
}
TEST_F(RootTest, FailsAsTheKernelDoes) {
  file("/f", "x");
  link("/loop", "loop");
  EXPECT_EQ(found("/f/"), "errno " + std::to_string(ENOTDIR));
  EXPECT_EQ(found("/f/x"), "errno " + std::to_string(ENOTDIR));
  EXPECT_EQ(found("/f/.."), "errno " + std::to_string(ENOTDIR));
  EXPECT_EQ(found("/loop"), "errno " + std::to_string(ELOOP));
  EXPECT_EQ(found(std::string("/f\0x", 4)), "errno " + std::to_string(EINVAL));
  EXPECT_EQ(found("/"), "/");
}
TEST_F(RootTest, ExponentialLinksEnd) {
  link("/l0", ".");
  for (int i = 1; i < 30; ++i) {
    const std::string before = "l" + std::to_string(i - 1);
    link("/l" + std::to_string(i), before + "/" + before);
  }
  EXPECT_EQ(found("/l29"), "errno " + std::to_string(ELOOP));
}
TEST_F(RootTest, NamesTheComponentAndTheLinkThatDoNotLeadOn) {
  link("/etc/alternatives/x", "/opt/x/bin");
  link("/usr/bin/x", "../../etc/alternatives/x");
  const LostPath lost = root().find("/usr/bin/x").lost;
  EXPECT_EQ(lost, (LostPath{ENOENT, "/opt", "/etc/alternatives/x", "/opt/x/bin"}));
  EXPECT_EQ(root().find("/usr/lib/y").lost, (LostPath{ENOENT, "/usr/lib", "", ""}));
}
TEST_F(RootTest, NeverWaitsForAPipe) {
  ASSERT_EQ(::mkfifo(host("/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(root().files().read("/pipe", 100));
}
TEST_F(RootTest, ARootThatIsNoneIsNamed) {
  const auto r = RootDirectory::open(top_ + "/none");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().what, "open root " + top_ + "/none: No such file or directory");
}

TEST_F(RootTest, ListsADirectory) {
  file("/d/b", "");
  file("/d/a", "");
  link("/l", "d");
  EXPECT_EQ(*root().files().list("/l"), (Strings{"a", "b"}));
  EXPECT_FALSE(root().files().list("/d/a"));
}

// One data file, one link to a directory on the way to it, one name that must stay absent.
class VerifyRoot : public RootTest {
 protected:
  VerifyRoot() {
    file("/usr/share/x", "abc");
    link("/share", "usr/share");
    ManifestFile f;
    f.path = "/usr/share/x";
    f.as_used = {"/share/x"};
    f.links = {"/share"};
    f.roles = {Role::kData};
    f.size = 3;
    f.mode = 0644;
    f.sha256 = hash("/usr/share/x");
    f.package = Package{"dpkg", "x-data", "2.41", "all"};
    manifest_.files = {f};
    manifest_.missing = {{"/etc/ld.so.preload", "ENOENT"}, {"/root/.x", "EACCES"}};
  }
  Sha256 hash(const std::string& path) const {
    const UniqueFd fd(::open(host(path).c_str(), O_RDONLY | O_CLOEXEC));
    return *sha256_of(fd.get());
  }
  VerifyReport run(VerifyOptions options = {}) const { return verify(manifest_, root(), options); }
  std::vector<Problem> problems(VerifyOptions options = {}) const {
    std::vector<Problem> out;
    for (const Finding& f : run(options).findings) out.push_back(f.problem);
    return out;
  }
  Manifest manifest_;
};

TEST_F(VerifyRoot, FindsNothingWhereAllIsAsItWas) {
  const VerifyReport r = run();
  EXPECT_THAT(r.findings, IsEmpty());
  EXPECT_EQ(r.files, 1u);
  EXPECT_EQ(r.hashed_bytes, 3u);  // once, though two names lead to it
  EXPECT_EQ(r.absent, 1u);
  EXPECT_EQ(r.skipped, 1u);  // whether /root/.x exists was not known to the run
}
TEST_F(VerifyRoot, FindsOtherContentOfTheSameSize) {
  file("/usr/share/x", "abd");
  EXPECT_THAT(problems(), ElementsAre(Problem::kChanged));
}
TEST_F(VerifyRoot, FindsARemovedFileAndARemovedLink) {
  fs::remove(host("/share"));
  const VerifyReport r = run();
  ASSERT_EQ(r.findings.size(), 1u);
  EXPECT_EQ(r.findings[0].problem, Problem::kBrokenLink);
  EXPECT_EQ(r.findings[0].at, "/share");
  fs::remove(host("/usr/share/x"));
  EXPECT_THAT(problems(), ElementsAre(Problem::kMissing));
}
TEST_F(VerifyRoot, FindsWhatAppeared) {
  file("/etc/ld.so.preload", "");
  file("/root/.x", "");
  EXPECT_THAT(problems(), ElementsAre(Problem::kAppeared));
}
TEST_F(VerifyRoot, SaysWhichVersionIsInstalledThere) {
  file("/usr/share/x", "abd");
  EXPECT_EQ(run().findings[0].installed, std::nullopt);
  file("/var/lib/dpkg/status", "Package: y\nStatus: install ok installed\nVersion: 1\n");
  EXPECT_EQ(run().findings[0].installed, "");
  file("/var/lib/dpkg/status",
       "Package: x-data\nStatus: install ok installed\nArchitecture: all\nVersion: 2.36\n");
  EXPECT_EQ(run().findings[0].installed, "2.36");
  file("/var/lib/dpkg/status", "Status: install ok installed\nno field\n");
  EXPECT_EQ(run().note, "dpkg status line 2: no field name");
}
TEST_F(VerifyRoot, LooksAtOutputsOnlyWhenAsked) {
  manifest_.outputs = {{"/out", FileType::kRegular, hash("/usr/share/x"), 3, ""}};
  EXPECT_THAT(problems(), IsEmpty());
  VerifyOptions options;
  options.outputs = true;
  EXPECT_THAT(problems(options), ElementsAre(Problem::kMissing));
  file("/out", "abc");
  EXPECT_THAT(problems(options), IsEmpty());
}
TEST_F(VerifyRoot, GivesTheSameReportWithAnyNumberOfThreads) {
  const ManifestFile first = manifest_.files[0];
  for (int i = 0; i < 200; ++i) {
    ManifestFile f = first;
    f.as_used.clear();
    f.path = "/many/" + std::to_string(1000 + i);
    if (i % 3 != 0) file(f.path, i % 2 == 0 ? "abc" : "xyz");
    manifest_.files.push_back(f);
  }
  VerifyOptions one, many;
  one.threads = 1;
  many.threads = 16;
  const VerifyReport a = run(one), b = run(many);
  EXPECT_EQ(a.findings, b.findings);
  EXPECT_EQ(a.hashed_bytes, b.hashed_bytes);
  EXPECT_EQ(a.findings.size(), 67u + 67u);  // missing, changed
}

}  // namespace
}  // namespace fptrace
