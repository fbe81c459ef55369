#include "fingerprint/abi_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace fptrace {
namespace {

using ::testing::IsEmpty;

// A system as a table; a library is found by its last name, wherever it is.
class FakeLoader : public LoaderView {
 public:
  ElfIdentity& add(const std::string& path) {
    RootObject& o = objects_[path];
    o.path = path;
    o.elf.is_64 = o.elf.dynamic = true;
    return o.elf;
  }
  void remove(const std::string& path) { objects_.erase(path); }
  const RootObject* at(const std::string& path) override {
    const auto it = objects_.find(path);
    return it == objects_.end() ? nullptr : &it->second;
  }
  LoadedObject search(const std::string& name, const std::vector<LoadedObject>& chain) override {
    EXPECT_FALSE(chain.empty());
    return {at("/lib/" + name), "/lib/" + name};
  }

 private:
  std::map<std::string, RootObject> objects_;
};

// /bin/app needs libone.so.1 (ONE_1.1), which needs libc.so.6 (GLIBC_2.38); later /bin/app loaded
// /lib/plugin.so, which needs libtwo.so.2.
class AbiCheck : public ::testing::Test {
 protected:
  AbiCheck() {
    ElfIdentity& app = loader_.add("/bin/app");
    app.needed = {"libone.so.1"};
    app.requires_ = {"libone.so.1()(64bit)", "libone.so.1(ONE_1.1)(64bit)"};
    ElfIdentity& one = loader_.add("/lib/libone.so.1");
    one.soname = "libone.so.1";
    one.needed = {"libc.so.6"};
    one.requires_ = {"libc.so.6(GLIBC_2.38)(64bit)"};
    one.provides = {"libone.so.1()(64bit)", "libone.so.1(ONE_1.0)(64bit)",
                    "libone.so.1(ONE_1.1)(64bit)"};
    ElfIdentity& c = loader_.add("/lib/libc.so.6");
    c.soname = "libc.so.6";
    c.provides = {"libc.so.6(GLIBC_2.34)(64bit)", "libc.so.6(GLIBC_2.38)(64bit)"};
    loader_.add("/lib/plugin.so").needed = {"libtwo.so.2"};
    loader_.add("/lib/libtwo.so.2").soname = "libtwo.so.2";
    ManifestFile program;
    program.path = "/bin/app";
    program.roles = {Role::kExecutable};
    manifest_.files.push_back(program);
    add_library("/lib/libc.so.6", "libc.so.6", Linkage::kNeeded);
    add_library("/lib/plugin.so", "", Linkage::kDlopen);
  }
  void add_library(const std::string& path, const std::string& soname, Linkage linkage) {
    ManifestFile f;
    f.path = path;
    f.roles = {Role::kLibrary};
    f.linkage = linkage;
    f.elf = ElfInfo{};
    f.elf->soname = soname;
    f.opened_by = {"/bin/app"};
    f.package = Package{"dpkg", "libc6", "2.38", "amd64"};
    manifest_.files.push_back(f);
  }

  FakeLoader loader_;
  Manifest manifest_;
};

TEST_F(AbiCheck, AcceptsWhereAllIsProvided) {
  const AbiReport r = check_abi(manifest_, loader_);
  EXPECT_THAT(r.findings, IsEmpty());
  EXPECT_EQ(r.objects, 5u);  // the program, two libraries, the plugin and what it needs
}
TEST_F(AbiCheck, FindsAnOlderLibcWithoutANeededVersion) {
  loader_.add("/lib/libc.so.6").provides = {"libc.so.6(GLIBC_2.34)(64bit)"};
  const AbiReport r = check_abi(manifest_, loader_);
  ASSERT_EQ(r.findings.size(), 1u);
  const Finding& f = r.findings[0];
  EXPECT_EQ(f.problem, Problem::kUnmet);
  EXPECT_EQ(f.path, "/lib/libone.so.1");
  EXPECT_EQ(f.expected, "libc.so.6(GLIBC_2.38)(64bit)");
  EXPECT_EQ(f.at, "/lib/libc.so.6");
  EXPECT_EQ(f.package->name, "libc6");
}
TEST_F(AbiCheck, ReadsWhatALibraryRequiresFromTheRootNotFromTheManifest) {
  loader_.add("/lib/libone.so.1").requires_ = {"libc.so.6(GLIBC_2.99)(64bit)"};
  const AbiReport r = check_abi(manifest_, loader_);
  ASSERT_EQ(r.findings.size(), 1u);
  EXPECT_EQ(r.findings[0].expected, "libc.so.6(GLIBC_2.99)(64bit)");
}
TEST_F(AbiCheck, FindsALibraryThatTheLoaderWouldNotFind) {
  loader_.remove("/lib/libtwo.so.2");
  loader_.remove("/lib/libc.so.6");
  const AbiReport r = check_abi(manifest_, loader_);
  ASSERT_EQ(r.findings.size(), 2u);
  EXPECT_EQ(r.findings[0].problem, Problem::kNoLibrary);
  EXPECT_EQ(r.findings[0].path, "/lib/libone.so.1");
  EXPECT_EQ(r.findings[0].expected, "libc.so.6");
  EXPECT_EQ(r.findings[1].path, "/lib/plugin.so");
  EXPECT_EQ(r.findings[1].expected, "libtwo.so.2");
}
TEST_F(AbiCheck, A32BitLibraryDoesNotProvideFor64Bits) {
  loader_.add("/lib/libc.so.6").provides = {"libc.so.6(GLIBC_2.38)"};
  EXPECT_EQ(check_abi(manifest_, loader_).findings.size(), 1u);
}
TEST_F(AbiCheck, EndsThoughLibrariesNeedEachOther) {
  loader_.add("/lib/libc.so.6").needed = {"libone.so.1", "libc.so.6"};
  EXPECT_EQ(check_abi(manifest_, loader_).objects, 5u);
}
TEST_F(AbiCheck, FindsAMissingInterpreter) {
  loader_.add("/bin/app").interpreter = "/lib64/ld.so";
  const AbiReport r = check_abi(manifest_, loader_);
  ASSERT_EQ(r.findings.size(), 1u);
  EXPECT_EQ(r.findings[0].expected, "/lib64/ld.so");
}

TEST(ParseRequirement, TakesAllSpellings) {
  const auto parsed = [](const char* text) {
    const Requirement r = parse_requirement(text);
    return std::string(r.library) + "|" + std::string(r.version) + (r.is_64 ? "|64" : "|32");
  };
  EXPECT_EQ(parsed("libc.so.6(GLIBC_2.34)(64bit)"), "libc.so.6|GLIBC_2.34|64");
  EXPECT_EQ(parsed("libc.so.6()(64bit)"), "libc.so.6||64");
  EXPECT_EQ(parsed("libc.so.6(GLIBC_2.0)"), "libc.so.6|GLIBC_2.0|32");
  EXPECT_EQ(parsed("libc.so.6"), "libc.so.6||32");
  EXPECT_EQ(parsed(""), "||32");
  EXPECT_EQ(parsed("(64bit)"), "||64");
  EXPECT_EQ(parsed(")"), ")||32");
}

}  // namespace
}  // namespace fptrace
