#include "fingerprint/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "fingerprint/manifest_file.h"
#include "tests/unit/common/analysis/trace_script.h"
#include "tests/unit/common/elf/elf_image.h"

namespace fptrace {
namespace {

namespace fs = std::filesystem;
using test::ElfImage;
using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::Pair;

// A root directory with real files and a dpkg database, and a trace that tells of them.
class BuilderTest : public ::testing::Test {
 protected:
  BuilderTest() {
    std::string name = ::testing::TempDir() + "fptrace-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
    options.root = root;
  }
  ~BuilderTest() override {
    if (!HasFailure()) fs::remove_all(root);
  }
  FileRef real(const std::string& path, const std::string& content, uint32_t mode = 0644) {
    const fs::path full = root.string() + path;
    fs::create_directories(full.parent_path());
    std::ofstream(full) << content;
    struct stat st;
    EXPECT_EQ(::stat(full.c_str(), &st), 0);
    FileRef f = t.file(path, content.size(), S_IFREG | mode);
    f.mtime_ns = int64_t(st.st_mtim.tv_sec) * 1'000'000'000 + st.st_mtim.tv_nsec;
    return f;
  }
  FileRef library(const std::string& path, std::vector<std::string> needed,
                  const std::string& note = "") {
    ElfImage e(true, true);
    e.soname = path.substr(path.rfind('/') + 1);
    e.needed = std::move(needed);
    e.package_note = note;
    return real(path, e.build());
  }
  FileRef program(const std::string& path, std::vector<std::string> needed) {
    ElfImage e(true, true);
    e.interpreter = "/lib64/ld.so";
    e.needed = std::move(needed);
    e.build_id = "\x12\x34";
    return real(path, e.build(), 0755);
  }
  void dpkg(const std::string& package, const std::string& files) {
    fs::create_directories(root / "var/lib/dpkg/info");
    std::ofstream(root / "var/lib/dpkg/status", std::ios::app)
        << "Package: " << package << "\nArchitecture: amd64\nVersion: 2\n\n";
    std::ofstream(root / ("var/lib/dpkg/info/" + package + ".list")) << files;
  }
  Manifest build() {
    ManifestBuilder builder(options);
    t.feed(builder);
    Manifest m = builder.finish();
    // What the builder makes, the readers take.
    EXPECT_EQ(manifest_from_json(to_json(m)), m);
    EXPECT_EQ(manifest_from_pb(to_pb(m)), m);
    return m;
  }
  static const ManifestFile& file(const Manifest& m, const std::string& path) {
    for (const ManifestFile& f : m.files) {
      if (f.path == path) return f;
    }
    ADD_FAILURE() << "no " << path;
    static const ManifestFile kNone;
    return kNone;
  }
  TraceScript t;
  fs::path root;
  ManifestOptions options;
};

TEST_F(BuilderTest, TellsCommandHostAndExit) {
  t.exit(t.start(t.program("/a")), 3);
  t.end(3);
  const Manifest m = build();
  EXPECT_THAT(m.argv, ElementsAre("./a", "x"));
  EXPECT_EQ(m.cwd, "/w");
  EXPECT_EQ(m.exit, (ExitStatus{3, 0}));
  EXPECT_EQ(m.os, "Debian GNU/Linux 12");
  EXPECT_EQ(m.machine, "x86_64");
  EXPECT_EQ(m.backend, "ptrace");
  EXPECT_TRUE(m.complete);
  EXPECT_FALSE(m.processes || m.temporaries || m.times);
}

TEST_F(BuilderTest, LibrariesHaveLinkageAndIdentity) {
  const FileRef a = program("/w/a", {"libx.so"}), x = library("/lib/libx.so", {"liby.so"}),
                y = library("/lib/liby.so", {}), plugin = library("/lib/plugin.so", {});
  t.loader = library("/lib64/ld.so", {});
  const ProcessKey p = t.start(a);
  for (const FileRef& f : {x, y, plugin}) t.load(p, f);
  const Manifest m = build();
  EXPECT_EQ(file(m, "/lib/libx.so").linkage, Linkage::kNeeded);
  EXPECT_EQ(file(m, "/lib/liby.so").linkage, Linkage::kNeeded);
  EXPECT_EQ(file(m, "/lib/plugin.so").linkage, Linkage::kDlopen);
  EXPECT_EQ(file(m, "/lib64/ld.so").linkage, Linkage::kInterp);
  EXPECT_EQ(file(m, "/w/a").linkage, Linkage::kUnknown);
  EXPECT_EQ(file(m, "/lib/libx.so").found_by, "default directory");
  EXPECT_EQ(file(m, "/lib64/ld.so").found_by, "PT_INTERP");
  EXPECT_EQ(file(m, "/w/a").found_by, "");
  EXPECT_EQ(file(m, "/w/a").elf->build_id, "1234");
  EXPECT_EQ(file(m, "/lib/libx.so").elf->soname, "libx.so");
  EXPECT_THAT(file(m, "/lib/libx.so").elf->requires_, ElementsAre("liby.so()(64bit)"));
  EXPECT_THAT(file(m, "/lib/libx.so").opened_by, ElementsAre("/w/a"));
}

TEST_F(BuilderTest, FileThatChangedSinceHasNoIdentity) {
  FileRef x = library("/lib/libx.so", {});
  x.mtime_ns += 1;
  t.load(t.start(program("/w/a", {})), x);
  EXPECT_FALSE(file(build(), "/lib/libx.so").elf);
}

TEST_F(BuilderTest, MappedFileThatIsNotElfIsData) {
  t.load(t.start(program("/w/a", {})), real("/w/jit", "no elf"));
  EXPECT_EQ(file(build(), "/w/jit").roles, RoleSet{Role::kData});
}

TEST_F(BuilderTest, ProgramRunByTheLoaderIsExecutable) {
  ElfImage loader(true, true);
  loader.soname = "ld-linux-x86-64.so.2";
  ExecEvent e;
  e.program = t.at(real("/lib64/ld.so", loader.build(), 0755));
  t.add({100, 1}, e);
  t.load({100, 1}, program("/w/a", {}));
  const Manifest m = build();
  EXPECT_EQ(file(m, "/w/a").roles, RoleSet{Role::kExecutable});
  EXPECT_EQ(file(m, "/lib64/ld.so").roles, RoleSet{Role::kExecutable});
}

TEST_F(BuilderTest, OwnersAreFoundAndCounted) {
  dpkg("tool", "/usr/bin/tool\n/usr/share/tool\n/usr/share/tool/d\n");
  dpkg("other", "/usr/share/tool/d\n");
  const ProcessKey p = t.start(t.program("/usr/bin/tool"));
  t.open(p, t.file("/usr/share/tool/d"));
  t.open(p, t.dir("/usr/share/tool"));
  t.open(p, t.file("/home/own"));
  const Manifest m = build();
  EXPECT_EQ(file(m, "/usr/bin/tool").package, (Package{"dpkg", "tool", "2", "amd64"}));
  EXPECT_EQ(file(m, "/usr/share/tool/d").package->name, "other");
  EXPECT_EQ(file(m, "/usr/share/tool/d").other_packages[0].name, "tool");
  EXPECT_FALSE(file(m, "/usr/share/tool").package) << "a directory is everybody's";
  EXPECT_FALSE(file(m, "/home/own").package);
  EXPECT_THAT(m.packages, ElementsAre(PackageUse{{"dpkg", "other", "2", "amd64"}, 1},
                                      PackageUse{{"dpkg", "tool", "2", "amd64"}, 2}));
  options.packages = false;
  EXPECT_TRUE(build().packages.empty());
}

TEST_F(BuilderTest, ConfigurationFilesAreMarked) {
  dpkg("tool", "/etc/tool.conf\n/etc/tool.d\n");
  std::ofstream(root / "var/lib/dpkg/status")
      << "Package: tool\nVersion: 2\nConffiles:\n /etc/tool.conf 00\n";
  const ProcessKey p = t.start(t.program("/a"));
  t.open(p, t.file("/etc/tool.conf"));
  t.open(p, t.file("/etc/tool.d"));
  const Manifest m = build();
  EXPECT_TRUE(file(m, "/etc/tool.conf").config);
  EXPECT_FALSE(file(m, "/etc/tool.d").config);
}

TEST_F(BuilderTest, PackagesOfLanguagesOwnWhatNoSystemPackageDoes) {
  real("/srv/node_modules/left/package.json", R"({"name": "left", "version": "1.3.0"})");
  const ProcessKey p = t.start(t.program("/a"));
  t.open(p, t.file("/srv/node_modules/left/index.js"));
  EXPECT_EQ(file(build(), "/srv/node_modules/left/index.js").package,
            (Package{"npm", "left", "1.3.0", ""}));
}

TEST_F(BuilderTest, LinkToADirectoryHasAnOwnerUnlessSeveralShareIt) {
  dpkg("java", "/usr/lib/jvm/default\n/usr/lib/both\n");
  dpkg("other", "/usr/lib/both\n");
  fs::create_directories(root / "usr/lib/jvm/17");
  fs::create_symlink("17", root / "usr/lib/jvm/default");
  fs::create_symlink("jvm", root / "usr/lib/both");
  const ProcessKey p = t.start(t.program("/a"));
  for (const char* path : {"/usr/lib/jvm/default", "/usr/lib/both"}) {
    t.path(p, PathOp::kReadlink, t.at(t.file(path, 2, S_IFLNK | 0777)));
  }
  const Manifest m = build();
  EXPECT_EQ(file(m, "/usr/lib/jvm/default").package, (Package{"dpkg", "java", "2", "amd64"}));
  EXPECT_FALSE(file(m, "/usr/lib/both").package);
}

TEST_F(BuilderTest, PackageNoteSpeaksForFilesThatNoDatabaseKnows) {
  const FileRef x = library("/opt/libx.so", {}, R"({"type":"deb","name":"xx","version":"3"})");
  t.load(t.start(program("/w/a", {})), x);
  EXPECT_EQ(file(build(), "/opt/libx.so").package, (Package{"dpkg", "xx", "3", ""}));
}

TEST_F(BuilderTest, UnreadablePackageDatabaseIsSaid) {
  dpkg("x", "/x\n");
  std::ofstream(root / "var/lib/dpkg/status") << "nonsense\n";
  t.start(t.program("/x"));
  t.end();
  const std::string what = "package database: " + root.string() +
                           "/var/lib/dpkg/status: dpkg status line 1: no field name";
  EXPECT_THAT(build().undecoded, ElementsAre(Undecoded{what, 1}));
}

TEST_F(BuilderTest, SizesAndHashesOnlyWhereContentMattered) {
  const ProcessKey p = t.start(t.program("/a"));
  const FileRef data = t.file("/d", 5), asked = t.file("/s", 6), dir = t.dir("/dir");
  t.open(p, data);
  t.path(p, PathOp::kStat, t.at(asked));
  t.add(p, ListEvent{dir});
  t.open(p, t.file("/proc/100/maps", 0));
  for (const FileRef& f : {data, asked, dir}) t.input(f, 4);
  const Manifest m = build();
  EXPECT_EQ(file(m, "/d").size, 5u);
  EXPECT_EQ(file(m, "/d").sha256, t.hash(4));
  EXPECT_EQ(file(m, "/d").mode, 0644u);
  EXPECT_EQ(file(m, "/s").size, 6u);
  EXPECT_FALSE(file(m, "/s").sha256);
  EXPECT_FALSE(file(m, "/dir").size || file(m, "/dir").sha256);
  EXPECT_EQ(file(m, "/dir").type, FileType::kDirectory);
  EXPECT_FALSE(file(m, "/proc/self/maps").size || file(m, "/proc/self/maps").sha256);
}

TEST_F(BuilderTest, SecretsAreRedactedUnlessKept) {
  t.start(t.program("/a"), {"API_TOKEN=abc", "PATH=/bin"});
  EXPECT_THAT(build().environment_set,
              ElementsAre(Pair("API_TOKEN", "<redacted>"), Pair("PATH", "/bin")));
  options.keep_secrets = true;
  EXPECT_THAT(build().environment_set, ElementsAre(Pair("API_TOKEN", "abc"), Pair("PATH", "/bin")));
}

TEST_F(BuilderTest, CoverageAddsUpAllGaps) {
  const ProcessKey p = t.start(t.program("/a"));
  t.add(p, GapEvent{"io_uring_enter", ""});
  SocketEvent s;
  s.family = 1;
  s.address = "/run/s";
  s.at = t.at(t.file("/run/s", 0, S_IFSOCK | 0666));
  t.add(p, s);
  t.exit(p);
  t.end();
  const Manifest m = build();
  EXPECT_FALSE(m.complete);
  EXPECT_THAT(m.undecoded, ElementsAre(Undecoded{"io_uring_enter", 1},
                                       Undecoded{"unix socket peer not traced", 1}));
}

TEST_F(BuilderTest, CutTraceHasNoExitAndSaysSo) {
  t.start(t.program("/a"));
  const Manifest m = build();
  EXPECT_FALSE(m.exit);
  EXPECT_THAT(m.undecoded, ElementsAre(Undecoded{"trace cut short", 1}));
}

TEST_F(BuilderTest, ProcessesTimesAndTemporariesWhenAskedFor) {
  const ProcessKey p = t.start(t.program("/a"));
  const ProcessKey c = t.fork(p);
  const FileRef tmp = t.file("/tmp/x");
  t.create(c, tmp);
  t.path(c, PathOp::kUnlink, t.at(tmp));
  t.exit(c, 1);
  t.exit(p);
  t.end();
  options.with_processes = options.with_times = options.with_temporaries = true;
  const Manifest m = build();
  ASSERT_EQ(m.processes->size(), 2u);
  EXPECT_EQ((*m.processes)[1],
            (ManifestProcess{2, 1, 101, "/a", {"/a"}, ExitStatus{1, 0}, 30, 60}));
  EXPECT_THAT(*m.temporaries, ElementsAre("/tmp/x"));
  EXPECT_EQ(m.times, (ManifestTimes{TraceScript::kWall, 80}));
  options.with_times = false;
  EXPECT_FALSE((*build().processes)[0].start_ns);
}

TEST_F(BuilderTest, CountsForTheSummary) {
  const ProcessKey p = t.start(t.program("/bin/sh"));
  const FileRef ls = t.program("/bin/ls");
  for (int i = 0; i < 2; ++i) {
    const ProcessKey c = t.fork(p);
    t.exec(c, ls);
    t.exit(c);
  }
  t.exit(p);
  t.end();
  ManifestBuilder builder(options);
  t.feed(builder);
  const RunStats s = builder.stats();
  EXPECT_EQ(s.events, t.events.size());
  EXPECT_EQ(s.processes, 3u);
  EXPECT_EQ(s.execs, 3u);
  EXPECT_THAT(s.programs, ElementsAre(Pair("/bin/ls", 2), Pair("/bin/sh", 1)));
}

TEST_F(BuilderTest, NothingOfTheRunsNumbersShows) {
  // The same run twice: other pids, other inodes, other times, other temporary names.
  const auto run = [&](int shift) {
    TraceScript s;
    for (int i = 0; i < shift; ++i) (void)s.file("/unused");
    const ProcessKey p{1000 + shift, uint32_t(shift)};
    s.exec(p, s.program("/a"));
    s.open(p, s.file("/proc/" + std::to_string(p.pid) + "/maps"));
    s.path(p, PathOp::kStat, s.at(s.nothing("/tmp/cc" + std::to_string(shift))), ENOENT);
    const FileRef tmp = s.file("/tmp/cc" + std::to_string(shift));
    s.create(p, tmp);
    s.open(p, s.file("/in"));
    s.path(p, PathOp::kUnlink, s.at(tmp));
    s.exit(p);
    s.end();
    for (Event& e : s.events) e.time_ns += uint64_t(shift);
    ManifestBuilder builder(options);
    return to_json(s.feed(builder).finish());
  };
  EXPECT_EQ(run(1), run(17));
}

}  // namespace
}  // namespace fptrace
