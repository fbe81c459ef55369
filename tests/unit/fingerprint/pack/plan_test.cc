#include "fingerprint/pack/plan.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fptrace::pack {
namespace {

using ::testing::HasSubstr;

// A root of its own for each test.
class MakePlan : public ::testing::Test {
 protected:
  MakePlan() {
    root_ = ::testing::TempDir() + "fptrace-plan-XXXXXX";
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    options_.root = root_;
    manifest_.cwd = "/";
  }
  ~MakePlan() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << content;
  }
  ManifestFile& use(const std::string& path, RoleSet roles = {Role::kData}) {
    ManifestFile& f = manifest_.files.emplace_back();
    f.path = path;
    f.roles = roles;
    return f;
  }
  std::map<std::string, PackEntry> plan() {
    const auto p = make_plan(manifest_, options_);
    EXPECT_TRUE(p) << p.error().what;
    std::map<std::string, PackEntry> out;
    if (p)
      for (const PackEntry& e : p->entries) out[e.path] = e;
    return out;
  }
  std::string refusal() {
    const auto p = make_plan(manifest_, options_);
    return p ? "" : p.error().what;
  }

  std::string root_;
  Manifest manifest_;
  PlanOptions options_;
};

TEST_F(MakePlan, HasTheMountPointsAndTheDirectoriesAbove) {
  put("/a/b/c", "x");
  use("/a/b/c");
  const auto p = plan();
  for (const char* path : {"/", "/a", "/a/b", "/dev", "/proc", "/sys", "/tmp"})
    EXPECT_EQ(p.at(path).type, FileType::kDirectory) << path;
  EXPECT_EQ(p.at("/tmp").mode, 01777u);
  EXPECT_EQ(p.at("/a/b/c").size, 1u);
}

TEST_F(MakePlan, MakesTheLinksOfEverySpelling) {
  put("/usr/lib/real", "x");
  put("/usr/lib/deep/x", "y");
  std::filesystem::create_symlink("usr/lib", root_ + "/lib");
  std::filesystem::create_symlink("real", root_ + "/usr/lib/name");
  ManifestFile& f = use("/usr/lib/real");
  f.as_used = {"/lib/name", "/usr/lib/deep/../name"};
  const auto p = plan();
  EXPECT_EQ(p.at("/lib").target, "usr/lib");
  EXPECT_EQ(p.at("/usr/lib/name").target, "real");
  EXPECT_EQ(p.at("/usr/lib/deep").type, FileType::kDirectory);
}

TEST_F(MakePlan, RefusesASpellingThatLeadsElsewhereNow) {
  put("/real", "x");
  put("/other", "x");
  std::filesystem::create_symlink("other", root_ + "/name");
  use("/other");
  use("/real").as_used = {"/name"};
  EXPECT_THAT(refusal(), HasSubstr("came to it as /name, which leads to /other now"));
  std::filesystem::remove(root_ + "/name");
  std::filesystem::create_symlink("name", root_ + "/name");
  EXPECT_THAT(refusal(), HasSubstr("leads nowhere now")) << "a link to itself";
}

TEST_F(MakePlan, KeepsMissingNamesOutOfListedDirectories) {
  put("/d/seen", "x");
  put("/d/new", "x");
  put("/d/made", "x");
  use("/d", {Role::kDirectory}).type = FileType::kDirectory;
  manifest_.missing = {{"/d/new", "ENOENT"}};
  manifest_.outputs = {{"/d/made", {}, {}, {}, {}}};
  const auto p = plan();
  EXPECT_EQ(p.at("/d/seen").content, PackEntry::Content::kHole);
  EXPECT_FALSE(p.contains("/d/new"));
  EXPECT_FALSE(p.contains("/d/made"));
}

TEST_F(MakePlan, FollowsNoLinkThatStandsForADirectory) {
  put("/secret/file", "x");
  std::filesystem::create_symlink("/secret", root_ + "/d");
  use("/d/file");
  EXPECT_THAT(refusal(), HasSubstr("/d/file"));
}

TEST_F(MakePlan, HoldsThePlaceOfALargeFileThatWasOnlyAskedAbout) {
  put("/big", "x");
  std::filesystem::resize_file(root_ + "/big", kMaxAskedAbout + 1);
  use("/big", {Role::kMetadata}).size = kMaxAskedAbout + 1;
  const auto p = plan();
  EXPECT_EQ(p.at("/big").content, PackEntry::Content::kHole);
  EXPECT_EQ(p.at("/big").size, kMaxAskedAbout + 1);
}

TEST_F(MakePlan, LinksHardWhatIsOneFile) {
  put("/a", "x");
  std::filesystem::create_hard_link(root_ + "/a", root_ + "/b");
  use("/a");
  use("/b");
  EXPECT_EQ(plan().at("/b").hard_link, "/a");
}

TEST_F(MakePlan, NamesTheFirstTenOfManyProblems) {
  for (int i = 10; i < 25; ++i) use("/gone" + std::to_string(i));
  EXPECT_THAT(refusal(), HasSubstr("15 files"));
  EXPECT_THAT(refusal(), HasSubstr("and 5 more"));
  options_.rules = {{false, "/gone*"}};
  EXPECT_EQ(refusal(), "");
}

}  // namespace
}  // namespace fptrace::pack
