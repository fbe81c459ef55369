#include "fingerprint/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fptrace {

static void PrintTo(const ChainStep& s, std::ostream* out) { *out << s.how << " " << s.path; }

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Strings = std::vector<std::string>;

// /bin/app needs libone.so.1, which needs libc.so.6. It loaded plugin.so, which needs libtwo.so.2.
class QueryTest : public ::testing::Test {
 protected:
  QueryTest() {
    ManifestFile& app = add("/bin/app", "", {"libone.so.1"});
    app.roles = {Role::kExecutable};
    app.elf->interpreter = "/lib64/ld.so";
    add("/lib/ld-2.so", "ld.so", {}).linkage = Linkage::kInterp;
    manifest_.files.back().as_used = {"/lib64/ld.so"};
    add("/lib/libc-2.36.so", "libc.so.6", {}).linkage = Linkage::kNeeded;
    manifest_.files.back().package = Package{"dpkg", "libc6", "2.36", "amd64"};
    manifest_.files.back().elf->provides = {"libc.so.6(GLIBC_2.34)(64bit)"};
    add("/lib/libone.so.1.2", "libone.so.1", {"libc.so.6"}).linkage = Linkage::kNeeded;
    manifest_.files.back().elf->requires_ = {"libc.so.6(GLIBC_2.34)(64bit)"};
    manifest_.files.back().as_used = {"/usr/lib/libone.so.1"};
    manifest_.files.back().links = {"/usr/lib/libone.so.1"};
    add("/lib/libtwo.so.2", "libtwo.so.2", {}).linkage = Linkage::kDlopen;
    add("/lib/plugin.so", "", {"libtwo.so.2"}).linkage = Linkage::kDlopen;
    manifest_.missing = {{"/etc/app.conf", "ENOENT"}};
    manifest_.outputs = {{"/tmp/out", FileType::kRegular, {}, {}, ""}};
    manifest_.processes = {{{1, 0, 10, "/bin/app", {"app"}, {}, {}, {}},
                            {2, 1, 11, "/bin/other", {"other"}, {}, {}, {}}}};
  }
  ManifestFile& add(const std::string& path, const std::string& soname, const Strings& needed) {
    ManifestFile f;
    f.path = path;
    f.roles = {Role::kLibrary};
    f.elf = ElfInfo{};
    f.elf->soname = soname;
    f.elf->needed = needed;
    f.opened_by = {"/bin/app"};
    manifest_.files.push_back(f);
    return manifest_.files.back();
  }
  QueryAnswer ask(const std::string& path) { return query(manifest_, {{path}, {}, {}, {}})[0]; }

  Manifest manifest_;
};

TEST_F(QueryTest, FollowsDtNeededFromTheProgramToTheLibrary) {
  const auto a = ask("/lib/libc-2.36.so");
  ASSERT_EQ(a.files.size(), 1u);
  EXPECT_THAT(
      a.files[0].chains,
      ElementsAre(ElementsAre(ChainStep{"/bin/app", ""}, ChainStep{"/lib/libone.so.1.2", "needed"},
                              ChainStep{"/lib/libc-2.36.so", "needed"})));
  EXPECT_EQ(a.files[0].needed_by, Strings{"/lib/libone.so.1.2"});
}
TEST_F(QueryTest, WhatAPluginNeedsIsReachedThroughThePlugin) {
  EXPECT_THAT(
      ask("libtwo.so.2").files[0].chains,
      ElementsAre(ElementsAre(ChainStep{"/bin/app", ""}, ChainStep{"/lib/plugin.so", "dlopen"},
                              ChainStep{"/lib/libtwo.so.2", "needed"})));
}
TEST_F(QueryTest, TheLoaderIsReachedByItsName) {
  EXPECT_THAT(
      ask("/lib64/ld.so").files[0].chains,
      ElementsAre(ElementsAre(ChainStep{"/bin/app", ""}, ChainStep{"/lib/ld-2.so", "interp"})));
}
TEST_F(QueryTest, FindsAFileByAnyNameOfIt) {
  for (const char* name :
       {"/lib/libone.so.1.2", "/usr/lib/libone.so.1", "libone.so.1", "libone.so.1.2"}) {
    const auto a = ask(name);
    ASSERT_EQ(a.files.size(), 1u) << name;
    EXPECT_EQ(a.files[0].file->path, "/lib/libone.so.1.2") << name;
  }
}
TEST_F(QueryTest, NamesTheProcessesOfTheProgramsThatOpenedIt) {
  const auto a = ask("/lib/plugin.so");
  ASSERT_EQ(a.files[0].processes.size(), 1u);
  EXPECT_EQ(a.files[0].processes[0]->id, 1u);
}
TEST_F(QueryTest, KnowsWhatWasLookedForAndWhatWasMade) {
  EXPECT_EQ(ask("/etc/app.conf").missing.size(), 1u);
  EXPECT_EQ(ask("out").outputs.size(), 1u);
  EXPECT_FALSE(ask("/etc/app").found());
}
TEST_F(QueryTest, FindsByPackageSonameAndSymbol) {
  const auto a =
      query(manifest_, {{}, {"libc6", "libc6:i386"}, {"libtwo.so.2"}, {"GLIBC_2.34", "GLIBC_2"}});
  ASSERT_EQ(a.size(), 5u);
  EXPECT_EQ(a[0].files.size(), 1u);
  EXPECT_FALSE(a[1].found());
  EXPECT_EQ(a[2].files[0].file->path, "/lib/libtwo.so.2");
  EXPECT_EQ(a[3].files[0].file->path, "/lib/libc-2.36.so");
  EXPECT_EQ(a[3].required_by,
            (std::vector<SymbolUse>{{"/lib/libone.so.1.2", "libc.so.6(GLIBC_2.34)(64bit)"}}));
  EXPECT_FALSE(a[4].found());
}
TEST_F(QueryTest, EndsThoughLibrariesNeedEachOther) {
  manifest_.files[2].elf->needed = {"libone.so.1", "libc.so.6"};
  EXPECT_EQ(ask("libc.so.6").files.size(), 0u);  // a soname is not a file name
  EXPECT_EQ(ask("/lib/libc-2.36.so").files[0].chains.size(), 1u);
}

}  // namespace
}  // namespace fptrace
