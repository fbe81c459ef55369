#include "common/analysis/libraries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <elf.h>

#include "tests/unit/common/analysis/trace_script.h"
#include "tests/unit/common/elf/ld_cache_image.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Answers from a table instead of the disk.
class FakeLinks : public LinkSource {
 public:
  std::map<std::string, LinkInfo> infos;
  std::map<std::string, std::string> texts;
  std::optional<LinkInfo> link_info(const FileRef& file) override {
    const auto it = infos.find(file.path);
    return it == infos.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<std::string> text(const FileRef& file) override {
    const auto it = texts.find(file.path);
    return it == texts.end() ? std::nullopt : std::optional(it->second);
  }
};

class LibrariesTest : public ::testing::Test {
 protected:
  LibrariesTest() {
    links.infos["/a"] = {true, true, "", {"libx.so.1", "libc.so.6"}};
    links.infos["/lib/libx.so.1.2"] = {true, false, "libx.so.1", {"liby.so", "libc.so.6"}};
    links.infos["/lib/liby.so"] = {true, false, "", {}};
    links.infos["/lib/libc.so.6"] = {true, false, "libc.so.6", {"ld.so"}};
    links.infos["/lib/plugin.so"] = {true, false, "plugin.so", {"libz.so.1", "libc.so.6"}};
    links.infos["/lib/libz.so.1"] = {true, false, "libz.so.1", {}};
    links.infos["/lib64/ld.so"] = {true, false, "ld-linux-x86-64.so.2", {}};
  }
  void start(std::vector<std::string> env = {}) {
    p = t.start(a, std::move(env));
    for (const FileRef& f : {x, y, c}) t.load(p, f);
  }
  std::vector<std::string> lines() {
    Libraries libraries;
    std::vector<std::string> out;
    for (const ProgramImage& i : t.feed(libraries).report(links).images) {
      for (const LoadedFile& l : i.libraries) {
        const std::string what = !l.elf      ? "no-elf"
                                 : l.program ? "program"
                                             : std::string(to_string(l.linkage));
        out.push_back(i.program.path + " " + l.file.path + " " + what);
      }
    }
    return out;
  }
  TraceScript t;
  FakeLinks links;
  FileRef a = t.program("/a"), x = t.file("/lib/libx.so.1.2"), y = t.file("/lib/liby.so"),
          c = t.file("/lib/libc.so.6"), plugin = t.file("/lib/plugin.so"),
          z = t.file("/lib/libz.so.1");
  ProcessKey p;
};

TEST_F(LibrariesTest, TransitiveDtNeededIsNeeded) {
  start();
  EXPECT_THAT(lines(), ElementsAre("/a /lib/libc.so.6 needed", "/a /lib/libx.so.1.2 needed",
                                   "/a /lib/liby.so needed", "/a /lib64/ld.so interp"));
}

TEST_F(LibrariesTest, WhatADlopenedLibraryNeedsIsDlopenedToo) {
  start();
  t.load(p, plugin);
  t.load(p, z);
  EXPECT_THAT(lines(), ElementsAre("/a /lib/libc.so.6 needed", "/a /lib/libx.so.1.2 needed",
                                   "/a /lib/liby.so needed", "/a /lib/libz.so.1 dlopen",
                                   "/a /lib/plugin.so dlopen", "/a /lib64/ld.so interp"));
}

TEST_F(LibrariesTest, PreloadByEnvironmentWithBlanksAndColons) {
  start({"X=1", "LD_PRELOAD=/nothing.so:/lib/plugin.so other.so"});
  t.load(p, plugin);
  t.load(p, z);
  EXPECT_THAT(lines(), ElementsAre("/a /lib/libc.so.6 needed", "/a /lib/libx.so.1.2 needed",
                                   "/a /lib/liby.so needed", "/a /lib/libz.so.1 needed",
                                   "/a /lib/plugin.so preload", "/a /lib64/ld.so interp"));
}

TEST_F(LibrariesTest, PreloadByFile) {
  links.texts["/etc/ld.so.preload"] = "/lib/plugin.so\n";
  p = t.start(a);
  t.open(p, t.file("/etc/ld.so.preload"));
  t.load(p, plugin);
  EXPECT_THAT(lines(), ElementsAre("/a /lib/plugin.so preload", "/a /lib64/ld.so interp"));
}

TEST_F(LibrariesTest, NeededByTheNameOfALinkToALibraryWithoutSoname) {
  links.infos["/a"].needed = {"liblink.so"};
  links.infos["/lib/real.bin"] = {true, false, "", {}};
  p = t.start(a);
  const FileRef real = t.file("/lib/real.bin");
  t.open(p, TraceScript::at(real, "/lib/liblink.so", {"/lib/liblink.so"}));
  t.map(p, real);
  EXPECT_THAT(lines(), ElementsAre("/a /lib/real.bin needed", "/a /lib64/ld.so interp"));
}

TEST_F(LibrariesTest, UnreadableProgramLeavesLinkageOpen) {
  links.infos.erase("/a");
  start();
  EXPECT_THAT(lines(), ElementsAre("/a /lib/libc.so.6 ", "/a /lib/libx.so.1.2 ", "/a /lib/liby.so ",
                                   "/a /lib64/ld.so interp"));
}

TEST_F(LibrariesTest, MappedFileThatIsNotElfIsNoLibrary) {
  links.infos["/jit"] = {false, false, "", {}};
  p = t.start(a);
  t.load(p, t.file("/jit"));
  EXPECT_THAT(lines(), ElementsAre("/a /jit no-elf", "/a /lib64/ld.so interp"));
}

TEST_F(LibrariesTest, ProgramGivenToTheLoaderIsTheMainProgram) {
  ExecEvent e;
  e.program = TraceScript::at(t.loader);
  t.add({100, 1}, e);
  p = {100, 1};
  t.load(p, a);
  for (const FileRef& f : {x, y, c, plugin}) t.load(p, f);
  EXPECT_THAT(lines(), ElementsAre("/lib64/ld.so /a program", "/lib64/ld.so /lib/libc.so.6 needed",
                                   "/lib64/ld.so /lib/libx.so.1.2 needed",
                                   "/lib64/ld.so /lib/liby.so needed",
                                   "/lib64/ld.so /lib/plugin.so dlopen"));
}

TEST_F(LibrariesTest, ForkedChildKeepsWhatItsParentLoaded) {
  start();
  const ProcessKey child = t.fork(p);
  t.load(child, plugin);
  t.exit(child);
  t.exit(p);
  EXPECT_THAT(lines(), ElementsAre("/a /lib/libc.so.6 needed", "/a /lib/libx.so.1.2 needed",
                                   "/a /lib/liby.so needed", "/a /lib/plugin.so dlopen",
                                   "/a /lib64/ld.so interp",  // the child
                                   "/a /lib/libc.so.6 needed", "/a /lib/libx.so.1.2 needed",
                                   "/a /lib/liby.so needed", "/a /lib64/ld.so interp"));
}

TEST_F(LibrariesTest, EqualRunsAreOneImage) {
  p = t.start(t.program("/bin/sh"));
  for (int i = 0; i < 3; ++i) {
    const ProcessKey child = t.fork(p);
    t.exec(child, a);
    t.load(child, c);
    t.exit(child);
  }
  t.exit(p);
  Libraries libraries;
  const LibraryReport r = t.feed(libraries).report(links);
  ASSERT_EQ(r.images.size(), 2u);
  EXPECT_EQ(r.images[0].program.path, "/a");
  EXPECT_EQ(r.images[0].processes, 3u);
  EXPECT_EQ(r.images[1].program.path, "/bin/sh");
  EXPECT_EQ(r.images[1].processes, 1u);
}

TEST_F(LibrariesTest, ImageBeforeASecondExecCountsToo) {
  start();
  t.exec(p, t.program("/b"));
  t.exit(p);
  EXPECT_THAT(lines(), ::testing::Contains("/a /lib/libc.so.6 needed"));
}

TEST_F(LibrariesTest, OverAllImagesTheStrongestLinkageCounts) {
  start();
  t.exec(p, t.program("/b"));  // cannot be read: nothing is known of what it maps
  t.load(p, c);
  Libraries libraries;
  const LibraryReport r = t.feed(libraries).report(links);
  EXPECT_EQ(r.files.at(id_of(c)).linkage, Linkage::kNeeded);
}

TEST_F(LibrariesTest, CyclesOfDtNeededEnd) {
  links.infos["/lib/liby.so"].needed = {"libx.so.1"};
  start();
  EXPECT_EQ(lines().size(), 4u);
}

// Which rule found each library: "PATH | RULE" for every library of every image.
class FoundByTest : public LibrariesTest {
 protected:
  FoundByTest() {
    for (auto& [path, info] : links.infos) info.kind = {true, true, EM_X86_64, 0};
    links.infos["/a"].needed = {"libx.so.1"};
    links.infos["/lib/libx.so.1.2"].needed = {"liby.so"};
    links.infos["/lib/libx.so.1.2"].soname = "libx.so.1";
    links.infos["/lib/plugin.so"].needed = {};
    // What the loader itself says about default directories.
    links.texts["/lib64/ld.so"] = std::string("\0/lib/\0/usr/lib/\0", 16);
  }
  void cache(ProcessKey q, const std::vector<std::pair<std::string, std::string>>& entries) {
    test::LdCacheImage image;
    for (const auto& [name, path] : entries) image.entries.push_back({name, path});
    links.texts["/etc/ld.so.cache"] = image.build();
    t.open(q, cache_file);
  }
  // Opened by `name` and mapped.
  void load_as(const FileRef& f, const std::string& name) {
    t.open(p, TraceScript::at(f, name));
    t.map(p, f);
  }
  std::vector<std::string> rules() {
    Libraries libraries;
    std::vector<std::string> out;
    for (const ProgramImage& i : t.feed(libraries).report(links).images) {
      for (const LoadedFile& l : i.libraries) {
        if (l.linkage != Linkage::kInterp) out.push_back(l.file.path + " | " + l.found_by);
      }
    }
    return out;
  }
  FileRef cache_file = t.file("/etc/ld.so.cache");
};

TEST_F(FoundByTest, LoaderIsFoundByTheProgramsInterpreter) {
  p = t.start(a);
  Libraries libraries;
  const LibraryReport r = t.feed(libraries).report(links);
  EXPECT_EQ(r.files.at(id_of(t.loader)).found_by, "PT_INTERP");
}

TEST_F(FoundByTest, CacheAndDefaultDirectoryByTheNameThatWasOpened) {
  p = t.start(a);
  cache(p, {{"libx.so.1", "/opt/libx.so.1"}});
  load_as(x, "/opt/libx.so.1");
  load_as(y, "/usr/lib/liby.so");
  EXPECT_THAT(rules(),
              ElementsAre("/lib/libx.so.1.2 | ld.so.cache", "/lib/liby.so | default directory"));
}

TEST_F(FoundByTest, LibraryPathOfTheExecCounts) {
  p = t.start(a, {"LD_LIBRARY_PATH=/other:/w/l:"});
  load_as(x, "/w/l/libx.so.1");
  load_as(y, "./liby.so");
  EXPECT_THAT(rules(), ElementsAre("/lib/libx.so.1.2 | LD_LIBRARY_PATH: /w/l",
                                   "/lib/liby.so | LD_LIBRARY_PATH: "));
}

TEST_F(FoundByTest, RpathIsInheritedAndOriginIsTheProgramsDirectory) {
  links.infos["/w/bin/a"] = links.infos["/a"];
  links.infos["/w/bin/a"].rpath = "$ORIGIN/../l";
  p = t.start(t.program("/w/bin/a"));
  load_as(x, "/w/bin/../l/libx.so.1");
  load_as(y, "/w/bin/../l/liby.so");
  EXPECT_THAT(rules(), ElementsAre("/lib/libx.so.1.2 | rpath of /w/bin/a: $ORIGIN/../l",
                                   "/lib/liby.so | rpath of /w/bin/a: $ORIGIN/../l"));
}

TEST_F(FoundByTest, RunpathOfALibraryStartsFromWhereItWasOpened) {
  links.infos["/a"].runpath = "/alias";
  links.infos["/lib/libx.so.1.2"].runpath = "$ORIGIN/sub";
  p = t.start(a);
  load_as(x, "/alias/libx.so.1");
  load_as(y, "/alias/sub/liby.so");
  EXPECT_THAT(rules(), ElementsAre("/lib/libx.so.1.2 | runpath of /a: /alias",
                                   "/lib/liby.so | runpath of /lib/libx.so.1.2: $ORIGIN/sub"));
}

TEST_F(FoundByTest, SubdirectoryForTheProcessorIsNamed) {
  p = t.start(a);
  load_as(x, "/lib/glibc-hwcaps/x86-64-v3/libx.so.1");
  EXPECT_THAT(rules(),
              ElementsAre("/lib/libx.so.1.2 | default directory (glibc-hwcaps/x86-64-v3)"));
}

TEST_F(FoundByTest, DlopenedByPathUnlessTheCacheWasReadForIt) {
  p = t.start(a);
  cache(p, {{"plugin.so", "/lib/plugin.so"}, {"libz.so.1", "/lib/libz.so.1"}});
  load_as(x, "/lib/libx.so.1");
  load_as(plugin, "/lib/plugin.so");
  cache(p, {{"plugin.so", "/lib/plugin.so"}, {"libz.so.1", "/lib/libz.so.1"}});
  load_as(z, "/lib/libz.so.1");
  EXPECT_THAT(rules(),
              ElementsAre("/lib/libx.so.1.2 | default directory", "/lib/libz.so.1 | ld.so.cache",
                          "/lib/plugin.so | absolute name"));
}

TEST_F(FoundByTest, DlopenedThroughTheRunpathOfALibrary) {
  links.infos["/lib/libx.so.1.2"].runpath = "/plugins";
  p = t.start(a);
  load_as(x, "/lib/libx.so.1");
  load_as(plugin, "/plugins/plugin.so");
  EXPECT_THAT(rules(), ElementsAre("/lib/libx.so.1.2 | default directory",
                                   "/lib/plugin.so | runpath of /lib/libx.so.1.2: /plugins"));
}

TEST_F(FoundByTest, PreloadedLibrarySaysWhoNamedIt) {
  links.texts["/etc/ld.so.preload"] = "/lib/libz.so.1";
  p = t.start(a, {"LD_PRELOAD=plugin.so", "LD_LIBRARY_PATH=/p"});
  t.open(p, t.file("/etc/ld.so.preload"));
  load_as(plugin, "/p/plugin.so");
  load_as(z, "/lib/libz.so.1");
  EXPECT_THAT(rules(), ElementsAre("/lib/libz.so.1 | /etc/ld.so.preload: absolute name",
                                   "/lib/plugin.so | LD_PRELOAD: LD_LIBRARY_PATH: /p"));
}

TEST_F(FoundByTest, CacheThatChangedSinceLeavesItOpen) {
  p = t.start(a);
  cache(p, {{"libx.so.1", "/lib/libx.so.1"}});
  links.texts.erase("/etc/ld.so.cache");
  load_as(x, "/lib/libx.so.1");
  EXPECT_THAT(rules(), ElementsAre("/lib/libx.so.1.2 | "));
}

TEST_F(FoundByTest, WithoutAnOpenTheCanonicalPathIsCompared) {
  p = t.start(a, {"LD_LIBRARY_PATH=/lib"});
  t.map(p, y);
  links.infos["/a"].needed = {"liby.so"};
  EXPECT_THAT(rules(), ElementsAre("/lib/liby.so | LD_LIBRARY_PATH: /lib"));
}

TEST_F(FoundByTest, OfSeveralProcessesTheRuleOfTheStrongestLinkageCounts) {
  p = t.start(t.program("/b"));  // not readable: no rule
  t.map(p, y);
  t.exec(p, a, {"LD_LIBRARY_PATH=/z"});
  load_as(x, "/lib/libx.so.1");
  load_as(y, "/z/liby.so");
  t.exec(p, a, {"LD_LIBRARY_PATH=/y"});
  load_as(x, "/lib/libx.so.1");
  load_as(y, "/y/liby.so");
  Libraries libraries;
  const LibraryReport r = t.feed(libraries).report(links);
  EXPECT_EQ(r.files.at(id_of(y)).found_by, "LD_LIBRARY_PATH: /y");
}

TEST_F(FoundByTest, MuslProgramsPathFile) {
  t.loader.path = "/lib/ld-musl-x86_64.so.1";
  links.texts["/etc/ld-musl-x86_64.path"] = "/m\n";
  p = t.start(a);
  t.open(p, t.file("/etc/ld-musl-x86_64.path"));
  load_as(x, "/m/libx.so.1");
  EXPECT_THAT(rules(), ElementsAre("/lib/libx.so.1.2 | ld-musl path file: /m"));
}

}  // namespace
}  // namespace fptrace
