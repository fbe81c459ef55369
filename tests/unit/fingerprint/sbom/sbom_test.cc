#include "fingerprint/sbom/sbom.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "fingerprint/file_edges.h"

namespace fptrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

const Package kLibc{"dpkg", "libc6", "2.36-9", "amd64"};
const Package kTool{"dpkg", "tool", "1.0+x", "amd64"};

ManifestFile file(const std::string& path, RoleSet roles, std::optional<Package> package = {}) {
  ManifestFile f;
  f.path = path;
  f.roles = roles;
  f.size = 3;
  f.sha256 = Sha256{1};
  f.package = std::move(package);
  return f;
}

// /w/run starts /usr/bin/tool, which needs libc; the loader belongs to libc6 too.
Manifest sample() {
  Manifest m;
  m.argv = {"./run", "x\xff"};
  m.os = "Debian GNU/Linux 12 (bookworm)";
  ManifestFile loader = file("/lib/ld.so", {Role::kLibrary}, kLibc);
  ManifestFile libc = file("/lib/libc.so.6", {Role::kLibrary}, kLibc);
  libc.linkage = Linkage::kNeeded;
  libc.elf = ElfInfo{"libc.so.6", "", {"ld.so"}, "", {}, {"libc.so.6()(64bit)"}};
  libc.opened_by = {"/usr/bin/tool"};
  ManifestFile tool = file("/usr/bin/tool", {Role::kExecutable}, kTool);
  tool.elf = ElfInfo{"", "/lib/ld.so", {"libc.so.6"}, "", {"libc.so.6()(64bit)"}, {}};
  tool.opened_by = {"/w/run"};
  ManifestFile run = file("/w/run", {Role::kExecutable});
  ManifestFile asked = file("/w/asked", {Role::kMetadata});
  ManifestFile listed = file("/w", {Role::kDirectory});
  listed.type = FileType::kDirectory;
  listed.size.reset();
  m.files = {loader, libc, tool, listed, asked, run};
  return m;
}

class FakeSource : public SbomSource {
 public:
  std::optional<Sha1> sha1(const ManifestFile& f) override {
    if (lost.contains(f.path)) return std::nullopt;
    return fptrace::sha1(f.path);
  }
  PackageFacts facts(const Package& p) override {
    if (p.name != "tool") return {};
    return {"Tool Team", "t@x.y", "https://x.y",
            DeclaredLicence{"MIT AND LicenseRef-tool-odd", {{"LicenseRef-tool-odd", "text"}}}};
  }
  std::set<std::string> lost;
};

class SbomOf : public ::testing::Test {
 protected:
  Sbom make() { return make_sbom(manifest_, source_, 1'700'000'000, "9"); }
  Json spdx() { return Json::parse(to_spdx(make())); }
  Json cyclonedx() { return Json::parse(to_cyclonedx(make())); }
  std::set<std::string> relations(const Json& j, const std::string& type) {
    std::set<std::string> out;
    for (const Json& r : j["relationships"]) {
      if (r["relationshipType"] != type) continue;
      out.insert(name(j, r["spdxElementId"]) + ">" + name(j, r["relatedSpdxElement"]));
    }
    return out;
  }
  static std::string name(const Json& j, const std::string& id) {
    for (const Json& p : j["packages"]) {
      if (p["SPDXID"] == id) return p["name"];
    }
    for (const Json& f : j["files"]) {
      if (f["SPDXID"] == id) return f["fileName"];
    }
    return id;
  }
  Manifest manifest_ = sample();
  FakeSource source_;
};

TEST_F(SbomOf, HasTheFilesWhoseContentWasUsedAndTheirPackages) {
  const Sbom s = make();
  std::vector<std::string> paths, packages;
  for (const SbomFile& f : s.files) paths.push_back(f.file->path);
  for (const SbomComponent& c : s.components) packages.push_back(c.package.name);
  EXPECT_THAT(paths, ElementsAre("/lib/ld.so", "/lib/libc.so.6", "/usr/bin/tool", "/w/run"));
  EXPECT_THAT(packages, ElementsAre("run", "libc6", "tool"));
  EXPECT_EQ(s.components[1].kind, ComponentKind::kLibrary);
  EXPECT_EQ(s.components[2].kind, ComponentKind::kApplication);
}
TEST_F(SbomOf, PackagesDependAsTheirFilesDo) {
  const Json j = spdx();
  EXPECT_THAT(relations(j, "DEPENDS_ON"), ElementsAre("run>tool", "tool>libc6"));
  EXPECT_THAT(relations(j, "DESCRIBES"), ElementsAre("SPDXRef-DOCUMENT>run"));
  EXPECT_THAT(relations(j, "CONTAINS"), ElementsAre("libc6>./lib/ld.so", "libc6>./lib/libc.so.6",
                                                    "run>./w/run", "tool>./usr/bin/tool"));
  EXPECT_THAT(relations(j, "DYNAMIC_LINK"),
              ElementsAre("./lib/libc.so.6>./lib/ld.so", "./usr/bin/tool>./lib/libc.so.6"));
}
TEST_F(SbomOf, RunDependsOnItsProgramWhateverElseLeadsToIt) {
  manifest_.argv = {"alias"};
  manifest_.files[2].links = {"/usr/bin/alias"};
  manifest_.files[5].package = Package{"dpkg", "other", "1", "all"};
  EXPECT_THAT(relations(spdx(), "DEPENDS_ON"),
              ElementsAre("alias>other", "alias>tool", "other>tool", "tool>libc6"));
}
TEST_F(SbomOf, RunDependsItselfOnWhatNothingElseLeadsTo) {
  for (ManifestFile& f : manifest_.files) {
    f.opened_by.clear();
    if (f.elf) f.elf->needed.clear();
    if (f.elf) f.elf->interpreter.clear();
  }
  EXPECT_THAT(relations(spdx(), "DEPENDS_ON"), ElementsAre("run>libc6", "run>tool"));
}
TEST_F(SbomOf, VerificationCodeIsOfTheSortedSha1s) {
  std::vector<std::string> hashes{to_hex(sha1("/lib/ld.so")), to_hex(sha1("/lib/libc.so.6"))};
  std::sort(hashes.begin(), hashes.end());
  const Json j = spdx();
  for (const Json& p : j["packages"]) {
    if (p["name"] != "libc6") continue;
    EXPECT_EQ(p["packageVerificationCode"]["packageVerificationCodeValue"],
              to_hex(sha1(hashes[0] + hashes[1])));
    return;
  }
  FAIL() << "no libc6";
}
TEST_F(SbomOf, FileWithoutSha1IsAPackageOfItsOwn) {
  source_.lost = {"/usr/bin/tool"};
  const Json j = spdx();
  EXPECT_EQ(j["files"].size(), 3u);
  bool found = false;
  for (const Json& p : j["packages"]) {
    if (p["name"] == "tool") {
      EXPECT_EQ(p["filesAnalyzed"], false);
      EXPECT_FALSE(p.contains("packageVerificationCode"));
    }
    if (p["name"] != "/usr/bin/tool") continue;
    found = true;
    EXPECT_EQ(p["primaryPackagePurpose"], "FILE");
    EXPECT_EQ(p["checksums"][0]["algorithm"], "SHA256");
    EXPECT_THAT(p["comment"], HasSubstr("no SHA1"));
  }
  EXPECT_TRUE(found);
  EXPECT_TRUE(relations(j, "CONTAINS").contains("tool>/usr/bin/tool"));
}
TEST_F(SbomOf, FactsOfAPackageAreSaid) {
  const Json s = spdx()["packages"][2], c = cyclonedx()["components"][1];
  EXPECT_EQ(s["supplier"], "Organization: Tool Team (t@x.y)");
  EXPECT_EQ(s["licenseDeclared"], "MIT AND LicenseRef-tool-odd");
  EXPECT_EQ(s["externalRefs"][0]["referenceLocator"],
            "pkg:deb/debian/tool@1.0%2Bx?arch=amd64&distro=debian-12");
  EXPECT_EQ(spdx()["hasExtractedLicensingInfos"][0]["extractedText"], "text");
  EXPECT_EQ(spdx()["packages"][1]["licenseDeclared"], "NOASSERTION");
  EXPECT_EQ(c["supplier"]["contact"][0]["email"], "t@x.y");
  EXPECT_EQ(c["licenses"][0]["expression"], "MIT AND LicenseRef-tool-odd");
  EXPECT_EQ(c["purl"], s["externalRefs"][0]["referenceLocator"]);
}
TEST_F(SbomOf, CycloneDxNestsFilesInTheirPackage) {
  const Json j = cyclonedx();
  EXPECT_EQ(j["components"][0]["name"], "libc6");
  EXPECT_EQ(j["components"][0]["components"][1]["name"], "/lib/libc.so.6");
  EXPECT_EQ(j["components"][2]["name"], "/w/run");
  EXPECT_EQ(j["dependencies"][2]["dependsOn"], Json::array({j["components"][0]["bom-ref"]}));
  EXPECT_EQ(j["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
}
TEST_F(SbomOf, FileOfSeveralPackagesHasOneReference) {
  manifest_.files[0].other_packages = {kTool};
  EXPECT_TRUE(relations(spdx(), "CONTAINS").contains("tool>./lib/ld.so"));
  std::multiset<std::string> names;
  const Json j = cyclonedx();
  for (const Json& c : j["components"]) {
    if (!c.contains("components")) continue;
    for (const Json& f : c["components"]) names.insert(f["name"]);
  }
  EXPECT_EQ(names.count("/lib/ld.so"), 1u);
}
TEST_F(SbomOf, DocumentIsNamedByItsContent) {
  EXPECT_EQ(to_spdx(make()), to_spdx(make()));
  EXPECT_EQ(to_cyclonedx(make()), to_cyclonedx(make()));
  const std::string before = spdx()["documentNamespace"];
  manifest_.files[1].sha256 = Sha256{2};
  EXPECT_NE(spdx()["documentNamespace"], before);
}
TEST_F(SbomOf, WhatTheTraceCouldNotSeeIsSaid) {
  manifest_.complete = false;
  manifest_.undecoded = {{"io_uring_enter", 3}};
  EXPECT_THAT(spdx()["comment"], HasSubstr("incomplete: io_uring_enter (3)"));
  EXPECT_EQ(cyclonedx()["compositions"][0]["aggregate"], "incomplete");
}
TEST_F(SbomOf, NothingAtAllIsStillADocument) {
  manifest_ = {};
  EXPECT_EQ(spdx()["packages"][0]["name"], "unknown");
  EXPECT_THAT(spdx()["files"], IsEmpty());
  EXPECT_THAT(cyclonedx()["components"], IsEmpty());
}

TEST(FileEdges, LibrariesOfOneNameAreToldApartByWordSize) {
  Manifest m = sample();
  ManifestFile small = file("/lib32/libc.so.6", {Role::kLibrary});
  small.elf = ElfInfo{"libc.so.6", "", {}, "", {}, {"libc.so.6"}};
  m.files.push_back(small);
  EXPECT_THAT(file_edges(m),
              ElementsAre(FileEdge{1, 0, EdgeKind::kNeeded}, FileEdge{2, 0, EdgeKind::kLoader},
                          FileEdge{2, 1, EdgeKind::kNeeded}, FileEdge{5, 2, EdgeKind::kOpened}));
}
TEST(FileEdges, OpenerCountsMoreThanItsProgram) {
  Manifest m = sample();
  ManifestFile data = file("/w/data", {Role::kData});
  data.opened_by = {"/usr/bin/tool"};
  data.openers = {"/lib/libc.so.6", "/no/such"};
  m.files = {m.files[1], m.files[2], data};
  EXPECT_THAT(file_edges(m),
              ElementsAre(FileEdge{0, 2, EdgeKind::kOpened}, FileEdge{1, 0, EdgeKind::kNeeded}));
}
TEST(FileEdges, CyclesEnd) {
  Manifest m;
  for (const char* name : {"/a.so", "/b.so"}) {
    ManifestFile f = file(name, {Role::kLibrary});
    f.elf = ElfInfo{};
    f.elf->needed = {"a.so", "b.so"};
    f.opened_by = {"/a.so", "/b.so"};
    m.files.push_back(f);
  }
  EXPECT_THAT(file_edges(m),
              ElementsAre(FileEdge{0, 1, EdgeKind::kNeeded}, FileEdge{1, 0, EdgeKind::kNeeded}));
}

}  // namespace
}  // namespace fptrace
