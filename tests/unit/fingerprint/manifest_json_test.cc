#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fingerprint/manifest_file.h"
#include "tests/unit/fingerprint/sample.h"

namespace fptrace {
namespace {

using test::full_manifest;
using test::small_manifest;
using ::testing::HasSubstr;

TEST(ManifestJson, RoundTripsEveryField) {
  const Manifest m = full_manifest();
  const auto again = manifest_from_json(to_json(m));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(*again, m);
}

TEST(ManifestJson, LeavesOutWhatIsNotKnownOrNotAskedFor) {
  EXPECT_EQ(to_json(small_manifest()), R"({
 "schema": "fptrace.manifest/1",
 "command": {"argv":["true"],"cwd":"/","exit":{"code":0}},
 "host": {"os":"","kernel":"","machine":""},
 "backend": "ptrace",
 "files": [],
 "missing": [],
 "outputs": [],
 "environment": {"read":[],"set":{}},
 "packages": [],
 "coverage": {"complete":true,"undecoded":[]}
}
)");
}

TEST(ManifestJson, OneLineForEachElement) {
  const std::string json = to_json(full_manifest());
  EXPECT_THAT(json, HasSubstr("\n  {\"path\":\"/etc/ld.so.preload\",\"errno\":\"ENOENT\"},\n"));
  EXPECT_THAT(json,
              HasSubstr("\n  {\"path\":\"/usr/lib/libc.so.6\",\"as_used\":[\"/lib/libc.so.6\""));
}

TEST(ManifestJson, BytesThatAreNotUtf8HaveAKeyOfTheirOwn) {
  Manifest m = small_manifest();
  m.missing = {{"/\xff", "ENOENT"}};
  EXPECT_THAT(to_json(m), HasSubstr(R"({"path":"/\\xff","path_bytes":"L/8=","errno":"ENOENT"})"));
  // The name that it looks like is another name.
  m.missing.push_back({"/\\xff", "ENOENT"});
  const auto again = manifest_from_json(to_json(m));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(*again, m);
}

TEST(ManifestJson, KeysOfALaterWriterAreLeftAlone) {
  std::string json = to_json(small_manifest());
  json.insert(2, " \"later\": {\"x\": [1]},\n");
  EXPECT_EQ(manifest_from_json(json), small_manifest());
}

TEST(ManifestJson, CutShortAnywhereIsAnError) {
  const std::string json = to_json(full_manifest());
  for (size_t size = 0; size + 2 < json.size(); size += 7) {
    EXPECT_FALSE(manifest_from_json(json.substr(0, size))) << size;
  }
}

TEST(ManifestJson, DeepNestingIsNoStackOverflow) {
  EXPECT_FALSE(manifest_from_json(std::string(200'000, '[')));
  const std::string deep(200'000, '[');
  const std::string json =
      "{\"schema\":\"fptrace.manifest/1\",\"files\":" + deep + std::string(deep.size(), ']') + "}";
  EXPECT_FALSE(manifest_from_json(json));
}

// One text of the full sample replaced by another, and the error that must come.
struct Bad {
  const char* name;
  std::string from, to, error;
};
void PrintTo(const Bad& b, std::ostream* out) { *out << b.name; }
class BadManifest : public ::testing::TestWithParam<Bad> {};
TEST_P(BadManifest, IsRefusedWithTheNameOfTheField) {
  std::string json = to_json(full_manifest());
  const size_t at = json.find(GetParam().from);
  ASSERT_NE(at, json.npos);
  json.replace(at, GetParam().from.size(), GetParam().to);
  const auto m = manifest_from_json(json);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().what, GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    ManifestJson, BadManifest,
    ::testing::Values(
        Bad{"NoSchema", "\"schema\"", "\"scheme\"", "schema: is missing"},
        Bad{"OtherSchema", "fptrace.manifest/1", "cyclonedx/1",
            "schema: \"cyclonedx/1\" is not a manifest's"},
        Bad{"LaterSchema", "fptrace.manifest/1", "fptrace.manifest/2",
            "schema: \"fptrace.manifest/2\" is not known; this version reads fptrace.manifest/1"},
        Bad{"SizeIsText", "\"size\":1922136", "\"size\":\"1\"",
            "files[0].size: not a whole number"},
        Bad{"SizeIsNegative", "\"size\":1922136", "\"size\":-1", "files[0].size: out of range"},
        Bad{"SizeIsAFraction", "\"size\":1922136", "\"size\":1.5",
            "files[0].size: not a whole number"},
        Bad{"IdTooLarge", "\"id\":1,", "\"id\":4294967296,", "processes[0].id: out of range"},
        Bad{"ModeIsDecimal", "\"mode\":\"0755\"", "\"mode\":\"0798\"",
            "files[0].mode: not four octal digits"},
        Bad{"HashTooShort",
            std::string(64, '0').replace(0, 64,
                                         [] {
                                           std::string s;
                                           for (int i = 0; i < 32; ++i) s += "ab";
                                           return s;
                                         }()),
            "abcd", "files[0].sha256: not 64 hexadecimal digits"},
        Bad{"UnknownRole", "\"library\",\"data\"", "\"library\",\"friend\"",
            "files[0].roles[1]: unknown name \"friend\""},
        Bad{"UnknownLinkage", "\"needed\"", "\"wanted\"",
            "files[0].linkage: unknown name \"wanted\""},
        Bad{"UnknownType", "\"type\":\"symlink\"", "\"type\":\"door\"",
            "files[2].type: unknown name \"door\""},
        Bad{"NoPath", "\"path\":\"/etc/ld.so.preload\"", "\"pfad\":\"/etc/ld.so.preload\"",
            "missing[0].path: is missing"},
        Bad{"RelativePath", "\"path\":\"/w/out\"", "\"path\":\"w/out\"",
            "outputs[2].path: \"w/out\" is not an absolute path without \"..\""},
        Bad{"ClimbingPath", "\"path\":\"/w/out\"", "\"path\":\"/w/../../etc/passwd\"",
            "outputs[2].path: \"/w/../../etc/passwd\" is not an absolute path without \"..\""},
        Bad{"PathWithNul", "\"path\":\"/w/out\"", "\"path\":\"/w\\u0000\"",
            "outputs[2].path: \"/w\\x00\" is not an absolute path without \"..\""},
        Bad{"SamePathTwice", "\"path\":\"/w/out\"", "\"path\":\"/w/dir\"",
            "outputs[2].path: \"/w/dir\" comes twice"},
        Bad{"BadBase64", "\"path_bytes\":\"", "\"path_bytes\":\"*",
            "files[1].path_bytes: not base64"},
        Bad{"FilesIsAnObject", "\"packages\": [", "\"packages\": {\"a\": 1}, \"x\": [",
            "packages: not a list"},
        Bad{"CompleteIsText", "\"complete\":false", "\"complete\":\"no\"",
            "coverage.complete: not true or false"},
        Bad{"VariableIsANumber", "\"PATH\":\"/usr/bin\"", "\"PATH\":5",
            "environment.set.PATH: not a string"},
        Bad{"NoPackageName", "\"name\":\"libc6\"", "\"n\":\"libc6\"",
            "files[0].package.name: is missing"},
        Bad{"NotJson", "\"host\":", "\"host\"", "manifest: not JSON (byte 165)"}),
    [](const auto& info) { return info.param.name; });

TEST(ManifestJson, OtherKindsOfJsonAreNoManifest) {
  EXPECT_EQ(manifest_from_json("[]").error().what, "manifest: not an object");
  EXPECT_EQ(manifest_from_json("{}").error().what, "schema: is missing");
  EXPECT_EQ(manifest_from_json("").error().what, "manifest: not JSON (byte 1)");
  EXPECT_EQ(manifest_from_json("{\"schema\":1e999}").error().code, Errc::kParse);
}

TEST(ManifestJson, UnknownVersionIsToldFromDamage) {
  EXPECT_EQ(manifest_from_json(R"({"schema":"fptrace.manifest/9"})").error().code,
            Errc::kUnsupported);
}

}  // namespace
}  // namespace fptrace
