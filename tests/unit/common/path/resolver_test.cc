#include "common/path/resolver.h"

#include <linux/openat2.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "tests/support/fake_task.h"

namespace fptrace {
namespace {

using testing::FakeFileSystem;
using testing::FakeTask;
using Links = std::vector<std::string>;

class PathResolverTest : public ::testing::Test {
 protected:
  Resolution at(const std::string& path, LastLink last = LastLink::kFollow, int dirfd = AT_FDCWD,
                uint64_t resolve = 0) {
    return resolver_.resolve(task_, {dirfd, path, last, false, resolve});
  }
  std::string found(const std::string& path, LastLink last = LastLink::kFollow) {
    const auto r = at(path, last);
    return r.error == 0 && r.lookup.file.exists()
               ? r.lookup.file.path
               : "error " + std::to_string(r.error) + " " + r.lookup.file.path;
  }

  FakeFileSystem fs_;
  FakeTask task_{fs_};
  PathResolver resolver_;
};

TEST_F(PathResolverTest, AbsolutePathIsItself) {
  fs_.file("/usr/lib/libc.so.6");
  const auto r = at("/usr/lib/libc.so.6");
  EXPECT_EQ(r.error, 0);
  EXPECT_EQ(r.lookup.file, fs_.ref("/usr/lib/libc.so.6"));
  EXPECT_EQ(r.lookup.base, "");
  EXPECT_EQ(r.content_path, "/usr/lib/libc.so.6");
  EXPECT_TRUE(r.certain);
}

TEST_F(PathResolverTest, RelativePathStartsAtTheCwd) {
  fs_.file("/w/src/a.c");
  task_.cwd_path = "/w";
  const auto r = at("src/a.c");
  EXPECT_EQ(r.lookup.file.path, "/w/src/a.c");
  EXPECT_EQ(r.lookup.base, "/w");
}

TEST_F(PathResolverTest, RelativePathStartsAtTheDescriptor) {
  fs_.file("/w/src/a.c");
  task_.open(5, fs_.ref("/w/src"));
  const auto r = at("a.c", LastLink::kFollow, 5);
  EXPECT_EQ(r.lookup.file.path, "/w/src/a.c");
  EXPECT_EQ(r.lookup.base, "/w/src");
}

TEST_F(PathResolverTest, AbsolutePathDoesNotLookAtTheDescriptor) {
  fs_.file("/f");
  EXPECT_EQ(at("/f", LastLink::kFollow, 99).error, 0);
  EXPECT_EQ(at("f", LastLink::kFollow, 99).error, EBADF);
}

TEST_F(PathResolverTest, DescriptorOfAFileIsNotADirectory) {
  fs_.file("/f");
  task_.open(3, fs_.ref("/f"));
  const auto r = at("x", LastLink::kFollow, 3);
  EXPECT_EQ(r.error, ENOTDIR);
  EXPECT_EQ(r.lookup.file.path, "/f/x");
}

TEST_F(PathResolverTest, EveryLinkIsTold) {
  fs_.file("/data/v2/x");
  fs_.symlink("/data/current", "v2");
  fs_.symlink("/d", "/data");
  fs_.symlink("/data/v2/y", "x");
  const auto r = at("/d/current/y");
  EXPECT_EQ(r.lookup.file.path, "/data/v2/x");
  EXPECT_EQ(r.lookup.links, (Links{"/d", "/data/current", "/data/v2/y"}));
}

TEST_F(PathResolverTest, LinksAreToldAlsoFromMemory) {
  fs_.file("/usr/lib/x");
  fs_.file("/usr/lib/y");
  fs_.symlink("/lib", "usr/lib");
  (void)at("/lib/x");
  const auto r = at("/lib/y");
  EXPECT_EQ(r.lookup.file.path, "/usr/lib/y");
  EXPECT_EQ(r.lookup.links, Links{"/lib"});
}

TEST_F(PathResolverTest, DotDotAfterALinkLeavesTheLinksTarget) {
  fs_.file("/real/x");
  fs_.dir("/real/dir");
  fs_.file("/w/x");
  fs_.symlink("/w/link", "/real/dir");
  EXPECT_EQ(found("/w/link/../x"), "/real/x");
}

TEST_F(PathResolverTest, DotsAndSlashesVanish) {
  fs_.file("/a/b/c");
  fs_.dir("/a/d");
  EXPECT_EQ(found("//a/./b//c"), "/a/b/c");
  EXPECT_EQ(found("/a/d/../b/./../b/c"), "/a/b/c");
  EXPECT_EQ(found("/a/d/.."), "/a");
  EXPECT_EQ(found("/a/."), "/a");
  EXPECT_EQ(found("///"), "/");
  EXPECT_EQ(found("/.."), "/");
}

TEST_F(PathResolverTest, LastLinkIsFollowedOrKept) {
  fs_.dir("/t");
  fs_.symlink("/l", "t");
  EXPECT_EQ(found("/l", LastLink::kFollow), "/t");
  EXPECT_EQ(found("/l", LastLink::kKeep), "/l");
  EXPECT_EQ(found("/l/", LastLink::kKeep), "/t");
  EXPECT_EQ(found("/l/", LastLink::kName), "/l");
  EXPECT_TRUE(at("/l", LastLink::kKeep).lookup.links.empty());
}

TEST_F(PathResolverTest, SlashBehindAFileIsAnError) {
  fs_.file("/f");
  fs_.symlink("/l", "f");
  EXPECT_EQ(found("/f/"), "error 20 /f/");
  EXPECT_EQ(found("/l/"), "error 20 /f/");
  EXPECT_EQ(found("/f/x/y"), "error 20 /f/x/y");
}

TEST_F(PathResolverTest, MissingFileIsNamedBelowItsCanonicalDirectory) {
  fs_.dir("/usr/lib");
  fs_.symlink("/lib", "usr/lib");
  EXPECT_EQ(found("/lib/nope"), "error 2 /usr/lib/nope");
  EXPECT_EQ(found("/lib/no//such/./file"), "error 2 /usr/lib/no/such/file");
  EXPECT_EQ(found("/lib/no/../x"), "error 2 /usr/lib/no/../x");
  EXPECT_EQ(at("/lib/nope").lookup.links, Links{"/lib"});
}

TEST_F(PathResolverTest, DanglingLinkNamesWhatIsMissing) {
  fs_.symlink("/w/l", "../gone/far");
  EXPECT_EQ(found("/w/l"), "error 2 /gone/far");
  EXPECT_EQ(found("/w/l/more"), "error 2 /gone/far/more");
  EXPECT_EQ(found("/w/l", LastLink::kKeep), "/w/l");
}

TEST_F(PathResolverTest, LoopsEndAfterFortyLinks) {
  fs_.symlink("/a", "b");
  fs_.symlink("/b", "a");
  EXPECT_EQ(at("/a").error, ELOOP);
  EXPECT_EQ(at("/a").lookup.links.size(), 40u);
  fs_.file("/end");
  for (int i = 0; i < 41; ++i)
    fs_.symlink("/l" + std::to_string(i), i == 0 ? "end" : "l" + std::to_string(i - 1));
  EXPECT_EQ(found("/l39"), "/end");
  EXPECT_EQ(at("/l40").error, ELOOP);
}

TEST_F(PathResolverTest, LongNamesAreRefusedAsTheKernelDoes) {
  EXPECT_EQ(at("/" + std::string(256, 'n')).error, ENAMETOOLONG);
  EXPECT_EQ(at("/" + std::string(255, 'n')).error, ENOENT);
  std::string path;
  while (path.size() < 4096) path += "/.";
  EXPECT_EQ(at(path).error, ENAMETOOLONG);
  EXPECT_EQ(found(path.substr(0, 4095)), "/");
}

TEST_F(PathResolverTest, EmptyPathIsTheDescriptorOnlyWhenAskedFor) {
  FileRef memfd;
  memfd.path = "memfd:x";
  memfd.ino = 7;
  task_.open(4, memfd);
  EXPECT_EQ(at("", LastLink::kFollow, 4).error, ENOENT);
  const auto r = resolver_.resolve(task_, {4, "", LastLink::kFollow, true, 0});
  EXPECT_EQ(r.error, 0);
  EXPECT_EQ(r.lookup.file, memfd);
  EXPECT_EQ(r.content_path, "/proc/100/fd/4");
}

TEST_F(PathResolverTest, UnreadableDirectoryIsNoCertainAnswer) {
  fs_.file("/secret/x");
  fs_.deny("/secret");
  const auto r = at("/secret/x");
  EXPECT_EQ(r.error, EACCES);
  EXPECT_FALSE(r.certain);
}

TEST_F(PathResolverTest, ChrootPathsAreThoseOfTheHost) {
  fs_.file("/jail/etc/passwd");
  fs_.symlink("/jail/p", "/etc/passwd");
  task_.root_path = "/jail";
  task_.cwd_path = "/jail/etc";
  EXPECT_EQ(found("/etc/passwd"), "/jail/etc/passwd");
  EXPECT_EQ(found("/p"), "/jail/etc/passwd");
  EXPECT_EQ(found("../../../etc/passwd"), "/jail/etc/passwd");
  EXPECT_EQ(found("/nope"), "error 2 /jail/nope");
}

TEST_F(PathResolverTest, TwoRootsDoNotShareDirectories) {
  fs_.file("/etc/x");
  fs_.file("/jail/etc/x");
  EXPECT_EQ(found("/etc/x"), "/etc/x");
  task_.root_path = "/jail";
  EXPECT_EQ(found("/etc/x"), "/jail/etc/x");
}

TEST_F(PathResolverTest, RemovedDirectoryIsItselfButHasNoEntries) {
  FileRef gone = fs_.dir("/w/gone");
  gone.nlink = 0;
  fs_.remove("/w/gone");
  task_.open(3, gone);
  const auto entry = at("x/y", LastLink::kFollow, 3);
  EXPECT_EQ(entry.error, ENOENT);
  EXPECT_EQ(entry.lookup.file.path, "/w/gone/x/y");
  EXPECT_FALSE(entry.certain);
  for (const char* itself : {".", "./", "././"})
    EXPECT_EQ(at(itself, LastLink::kFollow, 3).lookup.file, gone) << itself;
  EXPECT_EQ(at("..", LastLink::kFollow, 3).error, ENOENT) << "nobody can tell";
}

TEST_F(PathResolverTest, FuseDirectoryWithoutLinkCountStillHasEntries) {
  fs_.file("/fuse/x");
  FileRef fuse = fs_.ref("/fuse");
  fuse.nlink = 0;
  task_.open(3, fuse);
  EXPECT_EQ(at("x", LastLink::kFollow, 3).lookup.file.path, "/fuse/x");
}

// ---- procfs

class ProcfsTest : public PathResolverTest {
 protected:
  ProcfsTest() {
    fs_.symlink("/proc/self", "1");  // as the tracer sees it
    fs_.symlink("/proc/thread-self", "1/task/1");
    fs_.symlink("/proc/mounts", "self/mounts");
    fs_.file("/proc/100/mounts");
    fs_.file("/w/f");
    task_.thread_id = 101;
  }
};

TEST_F(ProcfsTest, SelfIsTheTaskNotTheTracer) {
  const auto r = at("/proc/mounts");
  EXPECT_EQ(r.lookup.file.path, "/proc/100/mounts");
  EXPECT_EQ(r.lookup.links, (Links{"/proc/mounts", "/proc/self"}));
  EXPECT_FALSE(r.certain);
}

TEST_F(ProcfsTest, MagicLinksLeadToTheObject) {
  fs_.magic("/proc/100/fd/3", fs_.ref("/w/f"));
  fs_.magic("/proc/100/cwd", fs_.ref("/w"));
  fs_.magic("/proc/100/task/101/fd/3", fs_.ref("/w/f"));
  EXPECT_EQ(found("/proc/self/fd/3"), "/w/f");
  EXPECT_EQ(found("/proc/self/cwd/f"), "/w/f");
  EXPECT_EQ(found("/proc/thread-self/fd/3"), "/w/f");
  EXPECT_EQ(at("/proc/self/cwd/f").lookup.links, (Links{"/proc/self", "/proc/100/cwd"}));
  EXPECT_EQ(found("/proc/self/fd/3", LastLink::kKeep), "/proc/100/fd/3");
}

TEST_F(ProcfsTest, DevFdIsTheTasksDescriptor) {
  fs_.magic("/proc/100/fd/0", fs_.ref("/w/f"));
  fs_.symlink("/dev/fd", "/proc/self/fd");
  fs_.symlink("/dev/stdin", "/proc/self/fd/0");
  EXPECT_EQ(found("/dev/fd/0"), "/w/f");
  EXPECT_EQ(found("/dev/stdin"), "/w/f");
}

TEST_F(ProcfsTest, WhatATaskSeesIsNotKeptForOthers) {
  fs_.magic("/proc/100/cwd", fs_.ref("/w"));
  fs_.file("/other/f");
  fs_.magic("/proc/200/cwd", fs_.ref("/other"));
  EXPECT_EQ(found("/proc/self/cwd/f"), "/w/f");
  task_.process_id = 200;
  EXPECT_EQ(found("/proc/self/cwd/f"), "/other/f");
}

TEST_F(ProcfsTest, FileWithoutAPathKeepsTheKernelsName) {
  FileRef pipe;
  pipe.path = "pipe:[77]";
  pipe.ino = 77;
  pipe.mode = S_IFIFO | 0600;
  pipe.nlink = 1;
  fs_.magic("/proc/100/fd/1", pipe);
  const auto r = at("/proc/self/fd/1");
  EXPECT_EQ(r.lookup.file, pipe);
  EXPECT_EQ(r.content_path, "/proc/100/fd/1");
  EXPECT_EQ(at("/proc/self/fd/1/x").error, ENOTDIR);
}

TEST_F(ProcfsTest, OrdinaryLinksOfProcfsAreFollowedByTheirText) {
  fs_.symlink("/proc/fs/exe", "../mounts");
  EXPECT_EQ(found("/proc/fs/exe"), "/proc/100/mounts");
}

// ---- openat2

class Openat2Test : public PathResolverTest {
 protected:
  Openat2Test() {
    fs_.file("/box/in");
    fs_.file("/in");
    fs_.file("/box/sub/x");
    fs_.symlink("/box/abs", "/in");
    fs_.symlink("/box/rel", "in");
    fs_.symlink("/box/up", "../in");
    task_.open(3, fs_.ref("/box"));
  }
  std::string in_box(const std::string& path, uint64_t resolve) {
    const auto r = at(path, LastLink::kFollow, 3, resolve);
    return r.error == 0 ? r.lookup.file.path : "error " + std::to_string(r.error);
  }
};

TEST_F(Openat2Test, InRootMakesTheDescriptorTheRoot) {
  EXPECT_EQ(in_box("/in", RESOLVE_IN_ROOT), "/box/in");
  EXPECT_EQ(in_box("abs", RESOLVE_IN_ROOT), "/box/in");
  EXPECT_EQ(in_box("up", RESOLVE_IN_ROOT), "/box/in");
  EXPECT_EQ(in_box("../../in", RESOLVE_IN_ROOT), "/box/in");
}

TEST_F(Openat2Test, BeneathRefusesToLeave) {
  EXPECT_EQ(in_box("sub/../in", RESOLVE_BENEATH), "/box/in");
  EXPECT_EQ(in_box("rel", RESOLVE_BENEATH), "/box/in");
  const std::string refused = "error " + std::to_string(EXDEV);
  for (const char* path : {"/in", "abs", "up", "../in", ".."})
    EXPECT_EQ(in_box(path, RESOLVE_BENEATH), refused) << path;
}

TEST_F(Openat2Test, NoSymlinksRefusesEveryLink) {
  EXPECT_EQ(in_box("in", RESOLVE_NO_SYMLINKS), "/box/in");
  EXPECT_EQ(in_box("rel", RESOLVE_NO_SYMLINKS), "error " + std::to_string(ELOOP));
}

TEST_F(Openat2Test, MagicLinksCanBeRefused) {
  fs_.magic("/proc/100/cwd", fs_.ref("/box"));
  EXPECT_EQ(in_box("/proc/100/cwd/in", 0), "/box/in");
  EXPECT_EQ(in_box("/proc/100/cwd/in", RESOLVE_NO_MAGICLINKS), "error " + std::to_string(ELOOP));
}

TEST_F(Openat2Test, LookupsWithinABoxAreNotKeptForOthers) {
  fs_.file("/d/x");
  fs_.file("/box/d/x");
  EXPECT_EQ(in_box("/d/x", RESOLVE_IN_ROOT), "/box/d/x");
  EXPECT_EQ(in_box("/d/x", 0), "/d/x");
}

// ---- memory of directories

TEST_F(PathResolverTest, AKnownDirectoryCostsTwoLooks) {
  fs_.file("/usr/lib/x86_64-linux-gnu/liba.so");
  (void)at("/usr/lib/x86_64-linux-gnu/liba.so");
  fs_.lstats = 0;
  EXPECT_EQ(at("/usr/lib/x86_64-linux-gnu/liba.so").error, 0);
  EXPECT_EQ(fs_.lstats, 2);
  fs_.lstats = 0;
  EXPECT_EQ(at("/usr/lib/x86_64-linux-gnu/nope.so").error, ENOENT);
  EXPECT_EQ(fs_.lstats, 2);
  fs_.lstats = 0;
  EXPECT_EQ(at("/usr/lib/other/nope.so").error, ENOENT) << "below the longest known beginning";
  EXPECT_EQ(fs_.lstats, 2);
}

TEST_F(PathResolverTest, AChangedLinkInThePrefixIsSeen) {
  fs_.file("/app/v1/f");
  fs_.file("/app/v2/f");
  fs_.symlink("/app/current", "v1");
  EXPECT_EQ(found("/app/current/f"), "/app/v1/f");
  fs_.symlink("/app/current", "v2");
  EXPECT_EQ(found("/app/current/f"), "/app/v2/f");
}

TEST_F(PathResolverTest, ADirectoryReplacedByALinkIsSeen) {
  fs_.file("/a/b/f");
  fs_.file("/c/f");
  EXPECT_EQ(found("/a/b/f"), "/a/b/f");
  fs_.remove("/a/b");
  fs_.symlink("/a/b", "/c");
  EXPECT_EQ(found("/a/b/f"), "/c/f");
}

TEST_F(PathResolverTest, ARemovedDirectoryIsSeen) {
  fs_.file("/a/b/f");
  EXPECT_EQ(found("/a/b/f"), "/a/b/f");
  fs_.remove("/a");
  EXPECT_EQ(found("/a/b/f"), "error 2 /a/b/f");
}

TEST_F(PathResolverTest, ADirectoryLeftByDotDotMustStillBeThere) {
  fs_.file("/a/f");
  fs_.dir("/a/b/c");
  EXPECT_EQ(found("/a/b/c/../../f"), "/a/f");
  fs_.lstats = 0;
  EXPECT_EQ(found("/a/b/c/../../f"), "/a/f");
  EXPECT_EQ(fs_.lstats, 3) << "the deepest directory stands for those above it";
  fs_.remove("/a/b");
  EXPECT_EQ(found("/a/b/c/../../f"), "error 2 /a/b/c/../../f");
}

TEST_F(PathResolverTest, ARenamedDirectoryBehindALinkNeedsForgetting) {
  fs_.file("/a/b/f");
  EXPECT_EQ(found("/a/b/f"), "/a/b/f");
  fs_.rename("/a/b", "/a/c");
  fs_.symlink("/a/b", "c");
  resolver_.forget_directories();
  EXPECT_EQ(found("/a/b/f"), "/a/c/f");
}

}  // namespace
}  // namespace fptrace
