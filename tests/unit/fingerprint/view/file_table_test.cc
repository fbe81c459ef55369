#include "fingerprint/view/file_table.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/unit/fingerprint/sample.h"

namespace fptrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> paths(const std::vector<FileRow>& rows) {
  std::vector<std::string> out;
  for (const FileRow& r : rows) out.push_back(r.path);
  return out;
}

Manifest sample() {
  Manifest m;
  ManifestFile libc, tool, data;
  libc.path = "/lib/libc.so.6";
  libc.roles = {Role::kLibrary};
  libc.linkage = Linkage::kNeeded;
  libc.size = 1922136;
  libc.package = Package{"dpkg", "libc6", "2", "amd64"};
  libc.opened_by = {"/bin/tool"};
  tool.path = "/bin/tool";
  tool.roles = {Role::kExecutable};
  tool.size = 10;
  data.path = "/w/\x1b";
  data.roles = {Role::kData, Role::kMetadata};
  data.opened_by = {"/bin/tool", "/bin/x"};
  m.files = {tool, libc, data};
  m.missing = {{"/a", "ENOENT"}};
  m.outputs = {{"/w/out", FileType::kDirectory, {}, {}, ""}};
  return m;
}

TEST(FileTable, ShowsWhatAPersonAsksFor) {
  EXPECT_EQ(table_text(select_files(sample(), {}), {}),
            "ROLE           LINKAGE     SIZE  PATH            PACKAGE  PROGRAMS\n"
            "executable                   10  /bin/tool\n"
            "library        needed   1922136  /lib/libc.so.6  libc6    tool\n"
            "data,metadata                    /w/\\x1b                  tool,x\n");
}
TEST(FileTable, LeavesOutColumnsWithNothingInThem) {
  FileQuery q;
  q.inputs = false;
  q.missing = true;
  q.outputs = true;
  EXPECT_EQ(table_text(select_files(sample(), q), {}),
            "ROLE              PATH\nENOENT            /a\noutput directory  /w/out\n");
}
TEST(FileTable, FiltersByRoleProgramAndPackage) {
  const Manifest m = sample();
  FileQuery q;
  q.roles = {Role::kLibrary, Role::kData};
  EXPECT_THAT(paths(select_files(m, q)), ElementsAre("/lib/libc.so.6", "/w/\x1b"));
  q = {};
  q.program = "x";
  EXPECT_THAT(paths(select_files(m, q)), ElementsAre("/w/\x1b"));
  q.program = "/bin/t*";
  EXPECT_THAT(paths(select_files(m, q)), ElementsAre("/lib/libc.so.6", "/w/\x1b"));
  q = {};
  q.package = "lib*";
  EXPECT_THAT(paths(select_files(m, q)), ElementsAre("/lib/libc.so.6"));
  q.package = "none";
  EXPECT_THAT(paths(select_files(m, q)), ElementsAre());
}
TEST(FileTable, KeepsWithinTheWidth) {
  Manifest m = sample();
  m.files[1].path = "/lib/" + std::string(100, 'x') + "/libc.so.6";
  m.files[1].opened_by.assign(40, "/bin/tool");
  const std::string out = table_text(select_files(m, {}), {80, false});
  size_t begin = 0;
  for (size_t end; (end = out.find('\n', begin)) != out.npos; begin = end + 1) {
    EXPECT_LE(columns(out.substr(begin, end - begin)), 80u);
  }
  EXPECT_THAT(out, HasSubstr("x/libc.so.6  libc6"));
}
TEST(FileTable, JsonHasTheExactBytes) {
  const auto j =
      nlohmann::json::parse(table_json(select_files(test::full_manifest(), {})))["files"];
  ASSERT_EQ(j.size(), 4u);
  EXPECT_EQ(j[0]["path"], "/usr/lib/libc.so.6");
  EXPECT_EQ(j[0]["packages"].size(), 2u);
  EXPECT_EQ(j[0]["roles"], (nlohmann::json{"library", "data"}));
  EXPECT_TRUE(j[1].contains("path_bytes"));
  EXPECT_EQ(nlohmann::json::parse(table_json({}))["files"].size(), 0u);
}

}  // namespace
}  // namespace fptrace
