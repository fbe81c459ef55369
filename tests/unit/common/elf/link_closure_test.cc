#include "common/elf/link_closure.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace fptrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A file system of ELF identities. A path may be another name of the same file.
class FakeFiles : public LinkFiles {
 public:
  std::map<std::string, ElfIdentity> elves;
  std::map<std::string, std::string> links;
  std::optional<File> open(const std::string& path) override {
    const auto link = links.find(path);
    const std::string& real = link == links.end() ? path : link->second;
    const auto it = elves.find(real);
    if (it == elves.end()) return std::nullopt;
    return File{real, it->second.machine == EM_NONE ? nullptr : &it->second};
  }
};

std::vector<DlopenNote> read_note(const std::string& text) {
  // "!" makes it required; the rest are alternatives.
  DlopenNote note;
  note.required = text.starts_with('!');
  for (size_t at = note.required ? 1 : 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    note.sonames.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return {note};
}

class LinkClosureTest : public ::testing::Test {
 protected:
  ElfIdentity& add(const std::string& path, std::vector<std::string> needed = {},
                   const std::string& soname = "") {
    ElfIdentity& e = files.elves[path];
    e.is_64 = true;
    e.machine = EM_X86_64;
    e.dynamic = true;
    e.soname = soname;
    e.needed = std::move(needed);
    return e;
  }
  LinkClosure build() {
    const LoaderSearch search(
        loader_setup({true, true, EM_X86_64, 0}, interpreter, {"/lib", "/usr/lib"}, {}),
        environment);
    return ClosureBuilder(search, files, "/cwd").build(*files.open("/w/a"), preload, read_note);
  }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    for (const LinkedFile& f : build().files) {
      static constexpr const char* kNames[] = {"main", "interp", "preload", "needed", "dlopen"};
      out.push_back(f.path + " " + kNames[size_t(f.reason)] + " | " + f.rule);
    }
    return out;
  }
  FakeFiles files;
  LoaderEnvironment environment;
  std::string interpreter = "/lib64/ld.so";
  std::vector<ClosureBuilder::Preload> preload;
};

TEST_F(LinkClosureTest, BreadthFirstEachFileOnce) {
  add("/w/a", {"libx.so", "liby.so"});
  add("/lib/libx.so", {"libz.so", "liby.so"});
  add("/lib/liby.so", {"libx.so"});
  add("/usr/lib/libz.so");
  EXPECT_THAT(lines(), ElementsAre("/w/a main | ", "/lib/libx.so needed | default directory",
                                   "/lib/liby.so needed | default directory",
                                   "/usr/lib/libz.so needed | default directory"));
}

TEST_F(LinkClosureTest, InterpreterIsTheLoadedLibraryOfItsSoname) {
  add("/w/a", {"libc.so.6"}).interpreter = "/lib64/ld.so";
  add("/lib/libc.so.6", {"ld-linux.so.2"});
  add("/lib64/ld.so", {}, "ld-linux.so.2");
  add("/lib/ld-linux.so.2");
  EXPECT_THAT(lines(), ElementsAre("/w/a main | ", "/lib64/ld.so interp | PT_INTERP",
                                   "/lib/libc.so.6 needed | default directory"));
}

TEST_F(LinkClosureTest, LoadedUnderItsSonameItIsNotLookedForAgain) {
  add("/w/a", {"libdev.so", "libx.so.1"});
  add("/lib/libdev.so", {}, "libx.so.1");
  add("/lib/libx.so.1");
  EXPECT_THAT(lines(), ElementsAre("/w/a main | ", "/lib/libdev.so needed | default directory"));
  interpreter = "/lib/ld-musl-x86_64.so.1";
  EXPECT_EQ(lines().size(), 3u) << "musl does not look at sonames";
}

TEST_F(LinkClosureTest, AnotherNameOfTheSameFileIsTheSameLibrary) {
  add("/w/a", {"libx.so", "libx.so.1"});
  add("/lib/libx.so.1.2");
  files.links = {{"/lib/libx.so", "/lib/libx.so.1.2"}, {"/lib/libx.so.1", "/lib/libx.so.1.2"}};
  EXPECT_THAT(lines(), ElementsAre("/w/a main | ", "/lib/libx.so.1.2 needed | default directory"));
}

TEST_F(LinkClosureTest, FileOfAnotherKindIsPassedOver) {
  add("/w/a", {"libx.so"});
  add("/lib/libx.so").is_64 = false;
  add("/usr/lib/libx.so");
  EXPECT_THAT(lines(), ElementsAre("/w/a main | ", "/usr/lib/libx.so needed | default directory"));
  files.elves["/lib/libx.so"].is_64 = true;
  files.elves["/lib/libx.so"].machine = EM_AARCH64;
  EXPECT_THAT(lines(), ElementsAre("/w/a main | ", "/usr/lib/libx.so needed | default directory"));
}

TEST_F(LinkClosureTest, DamagedFileEndsTheSearch) {
  add("/w/a", {"libx.so"});
  add("/lib/libx.so").machine = EM_NONE;
  add("/usr/lib/libx.so");
  const LinkClosure c = build();
  EXPECT_EQ(c.files.size(), 1u);
  ASSERT_EQ(c.unfound.size(), 1u);
  EXPECT_EQ(c.unfound[0].damaged, "/lib/libx.so");
}

TEST_F(LinkClosureTest, UnfoundLibraryTellsWhoWantsItAndWhereItCouldBe) {
  environment.library_path = "sub";
  add("/w/a", {"libx.so"});
  add("/lib/libx.so", {"libno.so"});
  const LinkClosure c = build();
  ASSERT_EQ(c.unfound.size(), 1u);
  EXPECT_EQ(c.unfound[0].name, "libno.so");
  EXPECT_EQ(c.unfound[0].requester, "/lib/libx.so");
  EXPECT_TRUE(c.unfound[0].required);
  EXPECT_THAT(c.unfound[0].tried,
              ElementsAre("/cwd/sub/libno.so", "/lib/libno.so", "/usr/lib/libno.so"));
}

TEST_F(LinkClosureTest, MissingInterpreterIsUnfound) {
  add("/w/a").interpreter = "/lib/none.so";
  const LinkClosure c = build();
  ASSERT_EQ(c.unfound.size(), 1u);
  EXPECT_EQ(c.unfound[0].reason, LinkReason::kInterp);
  EXPECT_THAT(c.unfound[0].tried, ElementsAre("/lib/none.so"));
}

TEST_F(LinkClosureTest, RpathReachesWhatALibraryNeedsAndOriginIsTheNameAsLoaded) {
  add("/w/a", {"libx.so"}).rpath = "$ORIGIN/../l";
  add("/real/libx.so", {"liby.so"});
  add("/real/liby.so");
  files.links = {{"/w/../l/libx.so", "/real/libx.so"}, {"/w/../l/liby.so", "/real/liby.so"}};
  EXPECT_THAT(lines(),
              ElementsAre("/w/a main | ", "/real/libx.so needed | rpath of /w/a: $ORIGIN/../l",
                          "/real/liby.so needed | rpath of /w/a: $ORIGIN/../l"));
  files.elves["/w/a"].rpath = "";
  files.elves["/w/a"].runpath = "$ORIGIN/../l";
  EXPECT_EQ(build().unfound.size(), 1u) << "a RUNPATH does not reach that far";
  files.elves["/real/libx.so"].runpath = "$ORIGIN";
  EXPECT_THAT(lines(),
              ElementsAre("/w/a main | ", "/real/libx.so needed | runpath of /w/a: $ORIGIN/../l",
                          "/real/liby.so needed | runpath of /real/libx.so: $ORIGIN"));
}

TEST_F(LinkClosureTest, PreloadedComesBeforeNeededAndWhatItNeedsIsNeeded) {
  preload = {
      {"libp.so", "LD_PRELOAD"}, {"/x/q.so", "/etc/ld.so.preload"}, {"/x/no.so", "LD_PRELOAD"}};
  add("/w/a", {"libx.so"});
  add("/lib/libp.so", {"libpp.so"});
  add("/lib/libpp.so");
  add("/lib/libx.so");
  add("/x/q.so");
  EXPECT_THAT(lines(),
              ElementsAre("/w/a main | ", "/lib/libp.so preload | LD_PRELOAD: default directory",
                          "/x/q.so preload | /etc/ld.so.preload: absolute name",
                          "/lib/libx.so needed | default directory",
                          "/lib/libpp.so needed | default directory"));
  EXPECT_EQ(build().unfound.size(), 1u);
  environment.secure = true;
  preload = {{"/lib/libp.so", "LD_PRELOAD"}};
  EXPECT_THAT(lines(), ElementsAre("/w/a main | ", "/lib/libx.so needed | default directory"));
}

TEST_F(LinkClosureTest, DlopenNotesTakeTheFirstAlternativeThatIsThere) {
  add("/w/a", {"libx.so"}).dlopen_notes = {"libno.so liby.so libz.so", "libopt.so"};
  add("/lib/libx.so").dlopen_notes = {"!libreq.so libreq2.so"};
  add("/lib/liby.so", {"libyy.so"});
  add("/lib/libyy.so");
  add("/lib/libz.so");
  EXPECT_THAT(lines(), ElementsAre("/w/a main | ", "/lib/libx.so needed | default directory",
                                   "/lib/liby.so dlopen | default directory",
                                   "/lib/libyy.so dlopen | default directory"));
  const LinkClosure c = build();
  ASSERT_EQ(c.unfound.size(), 2u);
  EXPECT_EQ(c.unfound[0].name, "libopt.so");
  EXPECT_FALSE(c.unfound[0].required);
  EXPECT_EQ(c.unfound[1].name, "libreq.so");
  EXPECT_TRUE(c.unfound[1].required);
  EXPECT_EQ(c.unfound[1].reason, LinkReason::kDlopen);
}

TEST_F(LinkClosureTest, FilteesAreLoadedAuxiliaryOnesIfTheyAreThere) {
  ElfIdentity& a = add("/w/a");
  a.filters = {"libf.so"};
  a.auxiliaries = {"libaux.so"};
  add("/lib/libf.so");
  EXPECT_EQ(lines().back(), "/lib/libf.so needed | default directory");
  ASSERT_EQ(build().unfound.size(), 1u);
  EXPECT_FALSE(build().unfound[0].required);
}

}  // namespace
}  // namespace fptrace
