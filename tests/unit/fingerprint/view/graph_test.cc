#include "fingerprint/view/graph.h"

#include <gmock/gmock.h>

namespace fptrace {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

ManifestFile file(const std::string& path, RoleSet roles, const std::string& opener = "") {
  ManifestFile f;
  f.path = path;
  f.roles = roles;
  if (!opener.empty()) f.opened_by = {opener};
  return f;
}

Manifest sample() {
  Manifest m;
  m.argv = {"tool"};
  ManifestFile libc = file("/lib/libc.so.6", {Role::kLibrary}, "/bin/tool");
  libc.package = Package{"dpkg", "libc6", "2.36", "amd64"};
  m.files = {file("/bin/tool", {Role::kExecutable}), libc,
             file("/w/data", {Role::kData}, "/bin/tool"), file("/w/asked", {Role::kMetadata})};
  m.processes = {{1, 0, 100, "/bin/tool", {"tool", "-x"}, {}, {}, {}},
                 {2, 1, 101, "/bin/tool", {"tool"}, {}, {}, {}},
                 {3, 1, 102, "/bin/tool", {"tool"}, {}, {}, {}}};
  return m;
}

TEST(Graph, LeadsFromProcessesToFilesInPackages) {
  const std::string dot = to_dot(sample());
  EXPECT_THAT(dot, HasSubstr("p0 [shape=ellipse, fillcolor=\"#dbe9f6\", label=\"tool\\n-x\""));
  EXPECT_THAT(dot, HasSubstr("label=\"tool ×2\""));
  EXPECT_THAT(dot, HasSubstr("p0 -> p1 "));
  EXPECT_THAT(dot, HasSubstr("p1 -> f0 "));
  EXPECT_THAT(dot, HasSubstr("f0 -> f1 [style=dotted]"));
  EXPECT_THAT(dot, HasSubstr("subgraph cluster_0 {\n    label=\"libc6 2.36\""));
  EXPECT_THAT(dot, Not(HasSubstr("asked")));
}
TEST(Graph, LibrariesOfPackagesCanBeLeftOut) {
  EXPECT_THAT(to_dot(sample(), {false}), Not(HasSubstr("libc")));
}
TEST(Graph, ManyFilesOfADirectoryAreOneNode) {
  Manifest m = sample();
  for (const char* name : {"a", "b", "c", "d"}) {
    m.files.push_back(file(std::string("/data/") + name, {Role::kData}, "/bin/tool"));
    ManifestFile dir = file(std::string("/dirs/") + name, {Role::kDirectory}, "/bin/tool");
    dir.type = FileType::kDirectory;
    m.files.push_back(dir);
  }
  const std::string dot = to_dot(m);
  EXPECT_THAT(dot, HasSubstr("label=\"/data/\\n4 files\""));
  EXPECT_THAT(dot, HasSubstr("label=\"4 directories listed\""));
  EXPECT_THAT(dot, Not(HasSubstr("/data/a")));
}
TEST(Graph, ManyDirectoriesAreMerged) {
  Manifest m = sample();
  for (int i = 0; i < 100; ++i) {
    const std::string dir = "/data/" + std::to_string(i % 10) + "/" + std::to_string(i);
    m.files.push_back(file(dir + "/x", {Role::kData}, "/bin/tool"));
  }
  EXPECT_THAT(to_dot(m), HasSubstr("label=\"/data/\\n100 files\""));
}
TEST(Graph, NamesCannotBreakOutOfTheirQuotes) {
  Manifest m;
  m.argv = {"\"];\n"};
  m.files = {file("/w/\"];evil -> x;\n\\N&lt;\xff<b>", {Role::kExecutable})};
  m.processes = {{1, 0, 1, "/w/x", {"a\"b\\", "c\nd"}, {}, {}, {}}};
  const std::string dot = to_dot(m);
  EXPECT_THAT(dot, HasSubstr("label=\"/w/\\\"];evil -> x;\\\\x0a\\\\N&amp;lt;\\\\xff<b>\""));
  EXPECT_THAT(dot, HasSubstr("label=\"a\\\"b\\\\\\nc\\\\x0ad\""));
}
TEST(Graph, NothingAtAllIsStillAGraph) {
  EXPECT_THAT(to_dot({}), ContainsRegex("^digraph fptrace \\{"));
}
TEST(Graph, IsTheSameForEqualManifests) { EXPECT_EQ(to_dot(sample()), to_dot(sample())); }

}  // namespace
}  // namespace fptrace
