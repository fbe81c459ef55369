#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fingerprint/packages/conda.h"
#include "fingerprint/packages/cran.h"
#include "fingerprint/packages/gem.h"
#include "fingerprint/packages/jar.h"
#include "fingerprint/packages/npm.h"
#include "fingerprint/packages/python.h"
#include "tests/unit/fingerprint/packages/temp_root.h"

namespace fptrace {
namespace {

using test::TempRoot;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// "NAME VERSION ARCH" of the owners that one kind of package names.
template <class Source>
class LanguageTest : public ::testing::Test {
 protected:
  std::vector<std::string> owners(const std::string& path) {
    const RootDir dir(root.str());
    Source source(dir, problems);
    std::vector<std::string> out;
    for (const Package& p : source.find(path).packages) {
      out.push_back(p.name + " " + p.version + (p.arch.empty() ? "" : " " + p.arch));
    }
    return out;
  }
  TempRoot root;
  Problems problems;
};

// --- Python --------------------------------------------------------------------------------------

TEST(PythonRecord, PathsMayBeQuoted) {
  EXPECT_THAT(*parse_python_record("a.py,sha256=x,3\r\n\"b, \"\"c\"\".py\",,\n../../bin/d,,\n\ne"),
              ElementsAre("a.py", "b, \"c\".py", "../../bin/d", "e"));
  EXPECT_THAT(*parse_python_record(""), IsEmpty());
  EXPECT_THAT(*parse_python_record("\"a\nb\",,\n"), ElementsAre("a\nb"));
}

TEST(PythonRecord, OpenQuoteIsAnErrorValue) {
  for (const char* s : {"\"", "\"a", "a,,\n\"b,,\n", "\"a\"\""}) {
    EXPECT_FALSE(parse_python_record(s)) << s;
  }
}

TEST(PythonMetadata, OnlyTheHeadCounts) {
  EXPECT_EQ(parse_python_metadata("Metadata-Version: 2.1\nName: a\nVersion: 1\n\nName: b\n"),
            (Package{"pypi", "a", "1", ""}));
  EXPECT_FALSE(parse_python_metadata("Version: 1\n\nName: b\n"));
}

class PythonTest : public LanguageTest<PythonPackages> {
 protected:
  void dist_info(const std::string& site, const std::string& record) {
    root.write(site + "/fruit-1.5.dist-info/METADATA", "Name: Fruit\nVersion: 1.5\n");
    root.write(site + "/fruit-1.5.dist-info/RECORD", record);
  }
};

TEST_F(PythonTest, RecordNamesWhatWasInstalled) {
  dist_info("/venv/lib/python3.11/site-packages",
            "fruit/a.py,,\n../../../bin/eat,,\n../../../share/./man//eat.1,,\n/venv/abs,,\n");
  for (const char* path :
       {"/venv/lib/python3.11/site-packages/fruit/a.py", "/venv/bin/eat", "/venv/share/man/eat.1",
        "/venv/abs", "/venv/lib/python3.11/site-packages/fruit-1.5.dist-info/INSTALLER"}) {
    EXPECT_THAT(owners(path), ElementsAre("Fruit 1.5")) << path;
  }
  EXPECT_THAT(owners("/venv/bin/other"), IsEmpty());
  EXPECT_THAT(owners("/venv/lib/python3.11/site-packages/fruit/b.py"), IsEmpty());
}

TEST_F(PythonTest, AnyDirectoryMayHoldDistributions) {
  dist_info("/srv/target", "fruit/a.py,,\n");
  EXPECT_THAT(owners("/srv/target/fruit/a.py"), ElementsAre("Fruit 1.5"));
}

TEST_F(PythonTest, RecordCannotClaimWhatIsElsewhere) {
  dist_info("/venv/lib/python3.11/site-packages", "../../../../etc/passwd,,\n/etc/shadow,,\n");
  EXPECT_THAT(owners("/etc/passwd"), IsEmpty());
  EXPECT_THAT(owners("/etc/shadow"), IsEmpty());
}

TEST_F(PythonTest, LegacyInstallsHaveOtherLists) {
  const std::string site = "/usr/local/lib/python3.11/dist-packages";
  root.write(site + "/old-2-py3.11.egg-info/PKG-INFO", "Name: old\nVersion: 2\n");
  root.write(site + "/old-2-py3.11.egg-info/installed-files.txt", "../old/x.py\nPKG-INFO\n");
  root.write("/src/dev.egg-info/PKG-INFO", "Name: dev\nVersion: 0.1\n");
  root.write("/src/dev.egg-info/SOURCES.txt", "setup.py\ndev/y.py\n");
  root.write(site + "/z-3-py3.11.egg/EGG-INFO/PKG-INFO", "Name: z\nVersion: 3\n");
  root.write(site + "/single-4.egg-info", "Name: single\nVersion: 4\n");
  EXPECT_THAT(owners(site + "/old/x.py"), ElementsAre("old 2"));
  EXPECT_THAT(owners("/src/dev/y.py"), ElementsAre("dev 0.1"));
  EXPECT_THAT(owners(site + "/z-3-py3.11.egg/z/any.py"), ElementsAre("z 3"));
  EXPECT_THAT(owners(site + "/single-4.egg-info"), ElementsAre("single 4"));
}

TEST_F(PythonTest, NameOfTheDirectoryServesWithoutMetadata) {
  root.write("/t/some_thing-1.0.post1.dist-info/RECORD", "m.py,,\n");
  EXPECT_THAT(owners("/t/m.py"), ElementsAre("some_thing 1.0.post1"));
}

TEST_F(PythonTest, DamagedRecordIsTold) {
  dist_info("/t", "\"fruit.py");
  EXPECT_THAT(owners("/t/fruit.py"), IsEmpty());
  EXPECT_THAT(problems, ElementsAre(root.str() + "/t/fruit-1.5.dist-info/RECORD: a quote is not "
                                                 "closed"));
}

// --- Node.js -------------------------------------------------------------------------------------

class NodeTest : public LanguageTest<NodePackages> {};

TEST_F(NodeTest, DirectoryBelowNodeModulesIsThePackage) {
  root.write("/app/package.json", R"({"name": "app", "version": "9"})");
  root.write("/app/node_modules/left/package.json", R"({"name": "left", "version": "1.3.0"})");
  root.write("/app/node_modules/left/esm/package.json", R"({"type": "module"})");
  root.write("/app/node_modules/left/hooks/package.json", R"({"name": "hooks", "version": "0.1"})");
  for (const char* file : {"index.js", "package.json", "esm/x.mjs", "hooks/x.js"}) {
    EXPECT_THAT(owners(std::string("/app/node_modules/left/") + file), ElementsAre("left 1.3.0"))
        << file;
  }
  EXPECT_THAT(owners("/app/index.js"), IsEmpty()) << "the program itself is installed by nobody";
  EXPECT_THAT(owners("/app/node_modules/loose.js"), IsEmpty());
}

TEST_F(NodeTest, ScopedAndNestedPackagesAreTheirOwn) {
  root.write("/a/node_modules/@s/p/package.json", R"({"name": "@s/p", "version": "1"})");
  root.write("/a/node_modules/@s/p/node_modules/q/package.json", R"({"name":"q","version":"2"})");
  EXPECT_THAT(owners("/a/node_modules/@s/p/x.js"), ElementsAre("@s/p 1"));
  EXPECT_THAT(owners("/a/node_modules/@s/p/node_modules/q/lib/x.js"), ElementsAre("q 2"));
  EXPECT_THAT(owners("/a/node_modules/@s/x.js"), IsEmpty());
}

TEST_F(NodeTest, PackageWithoutAVersionLeavesItToThoseInside) {
  root.write("/n/node_modules/w/package.json", R"({"private": true})");
  root.write("/n/node_modules/w/v/package.json", R"({"name": "v", "version": "3"})");
  EXPECT_THAT(owners("/n/node_modules/w/v/x.js"), ElementsAre("v 3"));
  EXPECT_THAT(owners("/n/node_modules/w/x.js"), IsEmpty());
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(NodeTest, DamagedPackageJsonIsTold) {
  root.write("/n/node_modules/w/package.json", R"({"name": "w)");
  EXPECT_THAT(owners("/n/node_modules/w/x.js"), IsEmpty());
  EXPECT_THAT(problems, ElementsAre(HasSubstr("/n/node_modules/w/package.json: not JSON at byte")));
}

TEST(PackageJson, WrongTypesAreErrorValues) {
  for (const char* s : {"", "[]", "{", R"({"name": 1, "version": "1"})", R"(["name", "version"])",
                        R"({"x": {"name": "a", "version": "1"}})"}) {
    EXPECT_FALSE(parse_package_json(s)) << s;
  }
  EXPECT_FALSE(parse_package_json(std::string(1'000'000, '['))) << "deep nesting";
}

// --- Ruby ----------------------------------------------------------------------------------------

TEST(Gemspec, IsReadFromItsStubLine) {
  EXPECT_EQ(parse_gemspec("# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.16.0 x86_64-linux lib\n"),
            (Package{"gem", "nokogiri", "1.16.0", "x86_64-linux"}));
}

TEST(Gemspec, IsReadFromPlainAssignments) {
  EXPECT_EQ(parse_gemspec("Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n"
                          "  s.version = '13.0'\n  s.platform = \"ruby\"\nend\n"),
            (Package{"gem", "rake", "13.0", ""}));
  EXPECT_FALSE(parse_gemspec("s.name = NAME\ns.version = VERSION\n"));
  EXPECT_FALSE(parse_gemspec("s.name = \"open\ns.names = \"x\"\ns.version"));
}

class GemTest : public LanguageTest<RubyGems> {};

TEST_F(GemTest, FilesBelongToTheGemThatIsSpecified) {
  root.write("/g/specifications/rake-13.0.gemspec", "# stub: rake 13.0 ruby lib\n");
  root.write("/g/specifications/default/json-2.6.gemspec", "# stub: json 2.6 ruby lib\n");
  EXPECT_THAT(owners("/g/gems/rake-13.0/lib/rake.rb"), ElementsAre("rake 13.0"));
  EXPECT_THAT(owners("/g/extensions/x86_64-linux/3.1.0/rake-13.0/x.so"), ElementsAre("rake 13.0"));
  EXPECT_THAT(owners("/g/specifications/rake-13.0.gemspec"), ElementsAre("rake 13.0"));
  EXPECT_THAT(owners("/g/gems/json-2.6/lib/json.rb"), ElementsAre("json 2.6"));
  EXPECT_THAT(owners("/g/gems/ghost-1.0/lib/ghost.rb"), IsEmpty());
}

TEST_F(GemTest, SpecificationThatCannotBeReadIsTold) {
  root.write("/g/specifications/odd-1.gemspec", "raise\n");
  EXPECT_THAT(owners("/g/gems/odd-1/x.rb"), IsEmpty());
  EXPECT_THAT(problems, ElementsAre(HasSubstr("odd-1.gemspec: no plain name and version")));
}

// --- R -------------------------------------------------------------------------------------------

class CranTest : public LanguageTest<RPackages> {};

TEST_F(CranTest, InstalledPackageHasADescriptionOfItsName) {
  root.write("/lib/apples/DESCRIPTION",
             "Package: apples\nVersion: 0.2-1\nBuilt: R 4.2.2; ; 2023; unix\n");
  root.write("/src/pears/DESCRIPTION", "Package: pears\nVersion: 1\n");
  root.write("/src/notes/DESCRIPTION", "Package: plums\nVersion: 1\nBuilt: x\n");
  EXPECT_THAT(owners("/lib/apples/R/apples.rdb"), ElementsAre("apples 0.2-1"));
  EXPECT_THAT(owners("/src/pears/R/x.R"), IsEmpty()) << "sources";
  EXPECT_THAT(owners("/src/notes/x"), IsEmpty()) << "of another name";
}

// --- Java ----------------------------------------------------------------------------------------

TEST(JarManifest, LongLinesGoOnAndOnlyTheMainSectionCounts) {
  const auto m = parse_jar_manifest("A: one \r\nB: tw\r\n o\r\nnonsense\r\n\r\nA: other\r\n");
  EXPECT_EQ(m.at("A"), "one");
  EXPECT_EQ(m.at("B"), "two");
  EXPECT_EQ(m.size(), 2u);
  EXPECT_THAT(parse_jar_manifest(" x\n y"), IsEmpty());
}

TEST(JarPackages, CoordinatesGoBeforeTheManifest) {
  JarIdentity jar;
  jar.manifest = {{"Implementation-Title", "t"}, {"Implementation-Version", "1"}};
  EXPECT_THAT(jar_packages(jar, "x.jar"), ElementsAre(Package{"maven", "t", "1", ""}));
  jar.manifest["Bundle-SymbolicName"] = "org.t;singleton:=true";
  jar.manifest["Bundle-Version"] = "2";
  EXPECT_THAT(jar_packages(jar, "x.jar"), ElementsAre(Package{"maven", "org.t", "2", ""}));
  jar.poms = {{{"groupId", "g"}, {"artifactId", "shaded"}, {"version", "3"}},
              {{"groupId", "g"}, {"artifactId", "own"}, {"version", "4"}}};
  EXPECT_THAT(jar_packages(jar, "own-4.jar"), ElementsAre(Package{"maven", "g:own", "4", ""},
                                                          Package{"maven", "g:shaded", "3", ""}));
  EXPECT_THAT(jar_packages({}, "x.jar"), IsEmpty());
}

class JarTest : public LanguageTest<Jars> {};

// A zip archive with one stored file.
std::string stored_zip(const std::string& name, const std::string& content) {
  const auto le = [](uint64_t v, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += char(v >> 8 * i & 0xff);
    return out;
  };
  uint32_t crc = 0xffffffff;
  for (const char c : content) {
    crc ^= uint8_t(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  const std::string common = le(0, 2) + le(0, 2) + le(0, 4) + le(~crc & 0xffffffff, 4) +
                             le(content.size(), 4) + le(content.size(), 4) + le(name.size(), 2);
  const std::string local = "PK\3\4" + le(10, 2) + common + le(0, 2) + name + content;
  const std::string central = "PK\1\2" + le(10, 2) + le(10, 2) + common + le(0, 2) + le(0, 2) +
                              le(0, 2) + le(0, 2) + le(0, 4) + le(0, 4) + name;
  return local + central + "PK\5\6" + le(0, 4) + le(1, 2) + le(1, 2) + le(central.size(), 4) +
         le(local.size(), 4) + le(0, 2);
}

TEST_F(JarTest, ArchiveIsReadForItsCoordinates) {
  const std::string jar = stored_zip("META-INF/maven/g/pear/pom.properties",
                                     "#c\nversion = 3.1\ngroupId=g\nartifactId=pear\n");
  root.write("/m2/pear.jar", jar);
  root.write("/m2/pear.zip", jar);
  EXPECT_THAT(owners("/m2/pear.jar"), ElementsAre("g:pear 3.1"));
  EXPECT_THAT(owners("/m2/pear.zip"), IsEmpty());
  EXPECT_THAT(owners("/m2/gone.jar"), IsEmpty());
  for (size_t size = 0; size < jar.size(); ++size) {
    (void)read_jar(std::string_view(jar).substr(0, size));  // an error value or less, no crash
  }
}

TEST_F(JarTest, WhatIsNoArchiveIsTold) {
  root.write("/m2/x.jar", "no zip");
  EXPECT_THAT(owners("/m2/x.jar"), IsEmpty());
  EXPECT_THAT(problems, ElementsAre(HasSubstr(root.str() + "/m2/x.jar: not a readable jar: ")));
}

// --- conda ---------------------------------------------------------------------------------------

class CondaTest : public LanguageTest<CondaPackages> {};

TEST_F(CondaTest, PrefixOwnsWhatItsMetadataListsAndNoMore) {
  root.write(
      "/opt/conda/conda-meta/grape-1.4-h0.json",
      R"({"build": "h0", "files": ["bin/grape", "../../etc/passwd", 7, {"files": ["x"]}],)"
      R"("name": "grape", "subdir": "linux-64", "nested": {"name": "no"}, "version": "1.4"})");
  root.write("/opt/conda/conda-meta/bad.json", R"({"name": "bad", "files": )");
  root.write("/opt/conda/conda-meta/history", "x");
  EXPECT_THAT(owners("/opt/conda/bin/grape"), ElementsAre("grape 1.4 linux-64"));
  EXPECT_THAT(owners("/opt/conda/conda-meta/grape-1.4-h0.json"), ElementsAre("grape 1.4 linux-64"));
  EXPECT_THAT(owners("/opt/conda/x"), IsEmpty());
  EXPECT_THAT(owners("/etc/passwd"), IsEmpty());
  EXPECT_THAT(problems, ElementsAre(HasSubstr("/opt/conda/conda-meta/bad.json: not JSON at byte")));
}

}  // namespace
}  // namespace fptrace
