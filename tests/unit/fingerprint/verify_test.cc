#include "fingerprint/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/fingerprint/sample.h"

namespace fptrace {

static void PrintTo(const Finding& f, std::ostream* out) {
  *out << f.path << ": " << to_string(f.problem) << " as " << f.used_as << ", expected "
       << f.expected << ", found " << f.found << ", at " << f.at;
}

namespace {

using test::sample_hash;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kRegular = 0100000, kDirectory = 0040000, kSymlink = 0120000;

ManifestFile data_file() {
  ManifestFile f;
  f.path = "/usr/share/x";
  f.roles = {Role::kData};
  f.size = 3;
  f.mode = 0644;
  f.sha256 = sample_hash(1);
  f.package = Package{"dpkg", "x", "1", "all"};
  return f;
}

Observed present(uint8_t hash = 1) {
  Observed o;
  o.path = "/usr/share/x";
  o.dev = 1;
  o.ino = 1;
  o.mode = kRegular | 0644;
  o.size = 3;
  o.sha256 = sample_hash(hash);
  return o;
}

Observed absent(const std::string& at, const std::string& via = "", const std::string& to = "") {
  Observed o;
  o.lost = {ENOENT, at, via, to};
  return o;
}

std::vector<Problem> problems(const std::vector<Finding>& findings) {
  std::vector<Problem> out;
  for (const Finding& f : findings) out.push_back(f.problem);
  return out;
}

TEST(Judge, AcceptsWhatIsAsItWas) {
  EXPECT_THAT(judge(data_file(), {present(), {}}, VerifyMode::kContent), IsEmpty());
}
TEST(Judge, NamesBothHashesAndThePackageOfAChangedFile) {
  const auto found = judge(data_file(), {present(2), {}}, VerifyMode::kContent);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].problem, Problem::kChanged);
  EXPECT_EQ(found[0].expected.substr(0, 4), "0101");
  EXPECT_EQ(found[0].found.substr(0, 4), "0202");
  EXPECT_EQ(found[0].package->name, "x");
}
TEST(Judge, AnotherSizeNeedsNoHash) {
  Observed o = present();
  o.size = 4;
  o.sha256.reset();
  const auto found = judge(data_file(), {o, {}}, VerifyMode::kContent);
  ASSERT_EQ(problems(found), std::vector{Problem::kChanged});
  EXPECT_EQ(found[0].expected, "size 3");
  EXPECT_EQ(found[0].found, "size 4");
}
TEST(Judge, ContentThatCouldNotBeReadIsNotTakenForGood) {
  Observed o = present();
  o.sha256.reset();
  o.error = "Permission denied";
  EXPECT_EQ(problems(judge(data_file(), {o, {}}, VerifyMode::kContent)),
            std::vector{Problem::kUnreadable});
  o = present();
  o.lost = {EACCES, "/usr", "", ""};
  EXPECT_EQ(problems(judge(data_file(), {o, {}}, VerifyMode::kContent)),
            std::vector{Problem::kUnreadable});
}
TEST(Judge, SaysWhereTheWayToAMissingFileEnds) {
  const auto found = judge(data_file(), {absent("/usr/share"), {}}, VerifyMode::kContent);
  ASSERT_EQ(problems(found), std::vector{Problem::kMissing});
  EXPECT_EQ(found[0].at, "/usr/share");
}
TEST(Judge, NamesTheLinkThatIsMissingOnTheWay) {
  ManifestFile f = data_file();
  f.as_used = {"/etc/x"};
  const auto gone = judge(f, {present(), {absent("/etc/x")}}, VerifyMode::kContent);
  ASSERT_EQ(problems(gone), std::vector{Problem::kBrokenLink});
  EXPECT_EQ(gone[0].used_as, "/etc/x");
  EXPECT_EQ(gone[0].at, "/etc/x");
  const auto dangling =
      judge(f, {present(), {absent("/opt/y", "/etc/x", "/opt/y")}}, VerifyMode::kContent);
  ASSERT_EQ(problems(dangling), std::vector{Problem::kBrokenLink});
  EXPECT_EQ(dangling[0].at, "/etc/x");
  EXPECT_EQ(dangling[0].found, "/opt/y");
}
TEST(Judge, ALinkThatLeadsElsewhereMattersWhenTheContentDiffers) {
  ManifestFile f = data_file();
  f.as_used = {"/etc/x"};
  Observed other = present();
  other.ino = 2;
  other.path = "/opt/x";
  EXPECT_THAT(judge(f, {present(), {other}}, VerifyMode::kContent), IsEmpty());
  other.sha256 = sample_hash(9);
  const auto found = judge(f, {present(), {other}}, VerifyMode::kContent);
  ASSERT_EQ(problems(found), std::vector{Problem::kChanged});
  EXPECT_EQ(found[0].used_as, "/etc/x");
  EXPECT_EQ(found[0].at, "/opt/x");
}
TEST(Judge, AFileThatOnlyItsOtherNamesLeadToHasMoved) {
  ManifestFile f = data_file();
  f.as_used = {"/etc/x"};
  Observed other = present();
  other.path = "/lib/x";
  const auto found = judge(f, {absent("/usr/share/x"), {other}}, VerifyMode::kContent);
  ASSERT_EQ(problems(found), std::vector{Problem::kMoved});
  EXPECT_EQ(found[0].found, "/lib/x");
}
TEST(Judge, ADirectoryInPlaceOfAFileIsAnotherType) {
  Observed o = present();
  o.mode = kDirectory | 0755;
  const auto found = judge(data_file(), {o, {}}, VerifyMode::kContent);
  ASSERT_EQ(problems(found), std::vector{Problem::kType});
  EXPECT_EQ(found[0].expected, "file");
  EXPECT_EQ(found[0].found, "directory");
}
TEST(Judge, ComparesTheTargetOfALinkThatWasRead) {
  ManifestFile f;
  f.path = "/etc/localtime";
  f.type = FileType::kSymlink;
  f.roles = {Role::kMetadata};
  f.target = "/usr/share/zoneinfo/Etc/UTC";
  Observed o;
  o.mode = kSymlink | 0777;
  o.target = f.target;
  EXPECT_THAT(judge(f, {o, {}}, VerifyMode::kContent), IsEmpty());
  o.target = "/usr/share/zoneinfo/Europe/Rome";
  EXPECT_EQ(problems(judge(f, {o, {}}, VerifyMode::kContent)), std::vector{Problem::kTarget});
}

struct ModeCase {
  const char* name;
  Role role;
  uint32_t was, is;
  bool reported;
};
static void PrintTo(const ModeCase& c, std::ostream* out) { *out << c.name; }
class JudgeMode : public ::testing::TestWithParam<ModeCase> {};
TEST_P(JudgeMode, MattersAsFarAsTheUseNeedsIt) {
  ManifestFile f = data_file();
  f.roles = {GetParam().role};
  f.mode = GetParam().was;
  Observed o = present();
  o.mode = kRegular | GetParam().is;
  const auto found = judge(f, {o, {}}, VerifyMode::kContent);
  EXPECT_EQ(problems(found),
            GetParam().reported ? std::vector{Problem::kMode} : std::vector<Problem>{});
}
INSTANTIATE_TEST_SUITE_P(
    , JudgeMode,
    ::testing::Values(ModeCase{"ExecutableBitLost", Role::kExecutable, 0755, 0644, true},
                      ModeCase{"ExecutableBitOfDataLost", Role::kData, 0755, 0644, false},
                      ModeCase{"MoreIsAllowed", Role::kData, 0600, 0644, false},
                      ModeCase{"LessMayRead", Role::kData, 0644, 0600, true},
                      ModeCase{"SetUserIdLost", Role::kExecutable, 04755, 0755, true},
                      ModeCase{"SetUserIdNew", Role::kExecutable, 0755, 04755, true},
                      ModeCase{"OnlyAskedAbout", Role::kMetadata, 0644, 0, false}),
    [](const auto& info) { return info.param.name; });

TEST(Judge, AFileThatWasOnlyAskedAboutHasNoContent) {
  ManifestFile f = data_file();
  f.roles = {Role::kMetadata};
  f.sha256.reset();
  Observed o = present();
  o.size = 99;
  EXPECT_THAT(judge(f, {o, {}}, VerifyMode::kContent), IsEmpty());
}
TEST(Judge, WithoutAHashTheSizeIsCompared) {
  ManifestFile f = data_file();
  f.sha256.reset();
  Observed o = present();
  o.size = 99;
  EXPECT_EQ(problems(judge(f, {o, {}}, VerifyMode::kContent)), std::vector{Problem::kChanged});
}
TEST(Judge, InAbiModeLibrariesMayDifferAndOthersMayNot) {
  ManifestFile f = data_file();
  EXPECT_EQ(problems(judge(f, {present(2), {}}, VerifyMode::kAbi)), std::vector{Problem::kChanged});
  f.roles = {Role::kLibrary};
  f.linkage = Linkage::kNeeded;
  EXPECT_THAT(judge(f, {absent("/usr"), {}}, VerifyMode::kAbi), IsEmpty());
  f.linkage = Linkage::kDlopen;
  EXPECT_THAT(judge(f, {present(2), {}}, VerifyMode::kAbi), IsEmpty());
  EXPECT_EQ(problems(judge(f, {absent("/usr"), {}}, VerifyMode::kAbi)),
            std::vector{Problem::kMissing});
  f = data_file();
  f.path = "/etc/ld.so.cache";
  EXPECT_THAT(judge(f, {absent("/etc"), {}}, VerifyMode::kAbi), IsEmpty());
}

TEST(IsCheckable, LeavesOutWhatOnlyARunningSystemHas) {
  ManifestFile f = data_file();
  EXPECT_TRUE(is_checkable(f, false));
  for (const char* path : {"/proc/self/maps", "/proc/[pid]/stat", "memfd:x", "@bus"}) {
    f.path = path;
    EXPECT_FALSE(is_checkable(f, true)) << path;
  }
  f.path = "/dev/null";
  f.type = FileType::kCharDevice;
  EXPECT_TRUE(is_checkable(f, true));
  EXPECT_FALSE(is_checkable(f, false));
}

TEST(InstalledVersions, LeavesOutWhatWasRemoved) {
  const auto v = installed_versions(
      "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
      "Package: old\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n\n"
      "Status: install ok installed\nPackage: last\nArchitecture: all\nVersion: 3:4~5\n");
  ASSERT_TRUE(v) << v.error().what;
  EXPECT_EQ(*v, (InstalledVersions{{"last", "3:4~5"},
                                   {"last:all", "3:4~5"},
                                   {"libc6", "2.36-9"},
                                   {"libc6:amd64", "2.36-9"}}));
}

}  // namespace
}  // namespace fptrace
