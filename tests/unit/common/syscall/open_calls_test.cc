#include <linux/openat2.h>

#include "tests/unit/common/syscall/decoder_fixture.h"

namespace fptrace {
namespace {

using OpenCalls = DecoderFixture;

TEST_F(OpenCalls, OpenTellsPathFlagsAndFile) {
  task_.open(3, fs_.file("/etc/passwd", "root"));
  const auto e =
      one<OpenEvent>(run("openat", {kCwd, str("/etc/passwd"), O_RDONLY | O_CLOEXEC, 0}, 3));
  EXPECT_EQ(e.at.path, "/etc/passwd");
  EXPECT_EQ(e.at.file, fs_.ref("/etc/passwd"));
  EXPECT_EQ(e.flags, uint32_t{O_CLOEXEC});
  EXPECT_EQ(e.fd, 3);
  EXPECT_EQ(e.error, 0);
  EXPECT_FALSE(e.created);
}

TEST_F(OpenCalls, RelativePathsTellTheirBase) {
  fs_.file("/w/x");
  task_.cwd_path = "/w";
  task_.open(7, fs_.ref("/w"));
  EXPECT_EQ(one<OpenEvent>(run("open", {str("x"), O_RDONLY}, -EMFILE)).at.base, "/w");
  const auto e = one<OpenEvent>(run("openat", {7, str("x"), O_RDONLY}, -EMFILE));
  EXPECT_EQ(e.at.base, "/w");
  EXPECT_EQ(e.at.file.path, "/w/x");
  EXPECT_EQ(e.error, EMFILE);
}

TEST_F(OpenCalls, I386ArgumentsAreReadFromTheLowerHalves) {
  task_.open(3, fs_.file("/f"));
  const uint64_t noise = uint64_t{0xabcd} << 32;
  const auto e = one<OpenEvent>(run("open", {str("/f") | noise, O_RDONLY | noise}, 3, Abi::kI386));
  EXPECT_EQ(e.at.file.path, "/f");
  EXPECT_EQ(one<OpenEvent>(run("openat", {kCwd & 0xffffffff, str("f"), 0}, 3, Abi::kI386)).at.base,
            "/");
  EXPECT_EQ(one<OpenEvent>(run("openat", {kCwd, str("f"), 0}, 3, Abi::kX32)).at.file.path, "/f");
}

TEST_F(OpenCalls, MissingFileIsAFailedOpenOfItsName) {
  fs_.dir("/etc");
  const auto e = one<OpenEvent>(run("open", {str("/etc/ld.so.preload"), 0}, -ENOENT));
  EXPECT_EQ(e.error, ENOENT);
  EXPECT_EQ(e.at.file.path, "/etc/ld.so.preload");
  EXPECT_FALSE(e.at.file.exists());
  EXPECT_EQ(e.fd, -1);
}

TEST_F(OpenCalls, CreatedIsWhatWasNotThereBefore) {
  fs_.dir("/w");
  const auto call = enter("openat", {kCwd, str("/w/new"), O_CREAT | O_WRONLY | O_TRUNC, 0644});
  EXPECT_TRUE(call->may_change().empty());
  task_.open(3, fs_.file("/w/new"));
  const auto e = one<OpenEvent>(leave(call, 3));
  EXPECT_TRUE(e.created);
  EXPECT_EQ(e.mode, 0644u);
  EXPECT_EQ(e.at.file, fs_.ref("/w/new"));
}

TEST_F(OpenCalls, CreatOfAnExistingFileEmptiesIt) {
  const FileRef before = fs_.file("/w/old", "content");
  task_.open(3, before);
  EXPECT_EQ(changes("creat", {str("/w/old"), 0600}), std::vector<std::string>{"/w/old"});
  const auto e = one<OpenEvent>(run("creat", {str("/w/old"), 0600}, 3));
  EXPECT_FALSE(e.created);
  EXPECT_EQ(e.flags, uint32_t(O_CREAT | O_WRONLY | O_TRUNC));
  EXPECT_EQ(e.at.file, before) << "as it was before the call";
}

TEST_F(OpenCalls, CreationThroughADanglingLinkNamesTheTarget) {
  fs_.dir("/w");
  fs_.symlink("/w/link", "real");
  const auto call = enter("open", {str("/w/link"), O_CREAT | O_WRONLY, 0644});
  task_.open(3, fs_.file("/w/real"));
  const auto e = one<OpenEvent>(leave(call, 3));
  EXPECT_TRUE(e.created);
  EXPECT_EQ(e.at.file.path, "/w/real");
  EXPECT_EQ(e.at.links, std::vector<std::string>{"/w/link"});
}

TEST_F(OpenCalls, ExclusiveCreationLooksAtTheLinkItself) {
  fs_.symlink("/link", "nowhere");
  const auto e = one<OpenEvent>(run("open", {str("/link"), O_CREAT | O_EXCL | O_WRONLY}, -EEXIST));
  EXPECT_EQ(e.at.file.path, "/link");
  EXPECT_EQ(e.error, EEXIST);
}

TEST_F(OpenCalls, TmpfileIsACreatedFileWithoutAName) {
  fs_.dir("/tmp");
  FileRef unnamed = fs_.file("/tmp/#7");
  unnamed.nlink = 0;
  task_.open(3, unnamed);
  const auto e = one<OpenEvent>(run("open", {str("/tmp"), O_TMPFILE | O_RDWR, 0600}, 3));
  EXPECT_TRUE(e.created);
  EXPECT_EQ(e.at.file, unnamed);
  EXPECT_EQ(e.at.path, "/tmp");
}

TEST_F(OpenCalls, TheDescriptorIsRightWhereItDiffersFromTheLookup) {
  fs_.file("/seen");
  task_.open(3, fs_.file("/opened"));
  const auto e = one<OpenEvent>(run("open", {str("/seen"), O_RDONLY}, 3));
  EXPECT_EQ(e.at.file.path, "/opened");
  EXPECT_EQ(e.at.path, "/seen");
}

TEST_F(OpenCalls, WritingMayChangeRegularFiles) {
  fs_.file("/f");
  fs_.special("/tty", S_IFCHR);
  EXPECT_EQ(changes("open", {str("/f"), O_RDWR}), std::vector<std::string>{"/f+"});
  EXPECT_EQ(changes("open", {str("/f"), O_WRONLY | O_TRUNC}), std::vector<std::string>{"/f"});
  EXPECT_EQ(changes("open", {str("/f"), O_RDONLY | O_TRUNC}), std::vector<std::string>{"/f"});
  EXPECT_TRUE(changes("open", {str("/f"), O_RDONLY}).empty());
  EXPECT_TRUE(changes("open", {str("/f"), O_PATH | O_RDWR | O_TRUNC}).empty());
  EXPECT_TRUE(changes("open", {str("/tty"), O_RDWR}).empty());
}

TEST_F(OpenCalls, ReadingOpensOfPlainFilesArePredicted) {
  fs_.file("/f");
  fs_.dir("/d");
  fs_.symlink("/l", "f");
  EXPECT_EQ(predicted("open", {str("/f"), O_RDONLY}), kSucceeded);
  EXPECT_EQ(predicted("open", {str("/d"), O_RDONLY | O_DIRECTORY}), kSucceeded);
  EXPECT_EQ(predicted("open", {str("/l"), O_RDONLY}), kSucceeded);
  EXPECT_EQ(predicted("open", {str("/f"), O_RDONLY | O_DIRECTORY}), -ENOTDIR);
  EXPECT_EQ(predicted("open", {str("/l"), O_RDONLY | O_NOFOLLOW}), -ELOOP);
  EXPECT_EQ(predicted("open", {str("/l"), O_PATH | O_NOFOLLOW}), kSucceeded);
  EXPECT_EQ(predicted("open", {str("/nope"), O_RDONLY}), -ENOENT);
  EXPECT_EQ(predicted("open", {str("/f/x"), O_RDONLY}), -ENOTDIR);
  EXPECT_EQ(predicted("openat", {99, str("x"), O_RDONLY}), -EBADF);
}

TEST_F(OpenCalls, DoubtfulOpensAreNotPredicted) {
  fs_.file("/f");
  fs_.file("/private", "", 0600);
  fs_.special("/fifo", S_IFIFO);
  fs_.special("/tty", S_IFCHR);
  fs_.file("/proc/100/maps");
  fs_.symlink("/proc/self", "1");
  for (const char* path : {"/private", "/fifo", "/tty", "/proc/self/maps"})
    EXPECT_EQ(predicted("open", {str(path), O_RDONLY}), std::nullopt) << path;
  for (const int flags : {O_RDWR, O_CREAT, O_DIRECT, O_NOATIME, 1 << 30})
    EXPECT_EQ(predicted("open", {str("/f"), uint64_t(flags)}), std::nullopt) << flags;
  EXPECT_EQ(predicted("open", {kNowhere, O_RDONLY}), std::nullopt);
}

TEST_F(OpenCalls, PredictedSuccessHasNoDescriptor) {
  task_.open(0, fs_.file("/other"));
  fs_.file("/f");
  const auto e = one<OpenEvent>(run("open", {str("/f"), O_RDONLY}, kSucceeded));
  EXPECT_EQ(e.fd, -1);
  EXPECT_EQ(e.at.file.path, "/f");
  EXPECT_EQ(e.error, 0);
}

TEST_F(OpenCalls, OnlyOpensOfDevicesAndPipesMayBlock) {
  fs_.file("/f");
  fs_.special("/fifo", S_IFIFO);
  EXPECT_FALSE(enter("open", {str("/f"), 0})->may_block());
  EXPECT_FALSE(enter("open", {str("/nope"), 0})->may_block());
  EXPECT_TRUE(enter("open", {str("/fifo"), 0})->may_block());
  EXPECT_TRUE(enter("open", {str("/f"), 0})->opens());
  EXPECT_FALSE(enter("unlink", {str("/f")})->opens());
}

TEST_F(OpenCalls, Openat2ReadsItsFlagsFromMemory) {
  fs_.file("/box/etc/f");
  task_.open(5, fs_.ref("/box"));
  open_how how{};
  how.flags = O_RDONLY | O_NOFOLLOW;
  how.resolve = RESOLVE_IN_ROOT;
  task_.open(6, fs_.ref("/box/etc/f"));
  for (const Abi abi : {Abi::kX86_64, Abi::kI386, Abi::kX32}) {
    const auto e = one<OpenEvent>(
        run("openat2", {5, str("/etc/f"), task_.put_value(how), sizeof how}, 6, abi));
    EXPECT_EQ(e.at.file.path, "/box/etc/f");
    EXPECT_EQ(e.flags, uint32_t{O_NOFOLLOW});
  }
}

TEST_F(OpenCalls, Openat2WithUnreadableFlagsIsAFailedOpen) {
  fs_.file("/f");
  const auto e = one<OpenEvent>(run("openat2", {kCwd, str("/f"), kNowhere, 24}, -EFAULT));
  EXPECT_EQ(e.error, EFAULT);
  EXPECT_EQ(e.at.file.path, "/f");
}

TEST_F(OpenCalls, UnreadablePathIsAFailedOpen) {
  const auto e = one<OpenEvent>(run("open", {kNowhere, 0}, -EFAULT));
  EXPECT_EQ(e.error, EFAULT);
  EXPECT_EQ(e.at.path, "");
}

TEST_F(OpenCalls, UnreadablePathOfASuccessfulOpenIsAGapUnlessTheDescriptorTells) {
  EXPECT_EQ(one<GapEvent>(run("open", {kNowhere, 0}, 9)), (GapEvent{"unreadable path", "open"}));
  task_.open(9, fs_.file("/f"));
  EXPECT_EQ(one<OpenEvent>(run("open", {kNowhere, 0}, 9)).at.file.path, "/f");
}

TEST_F(OpenCalls, RestartedCallsTellNothingYet) {
  fs_.file("/f");
  for (const int64_t result : {-512, -513, -514, -516})
    EXPECT_TRUE(run("open", {str("/f"), 0}, result).empty()) << result;
  EXPECT_EQ(run("open", {str("/f"), 0}, -EINTR).size(), 1u);
}

TEST_F(OpenCalls, MemfdIsACreatedFileNamedByTheKernel) {
  FileRef memfd;
  memfd.path = "memfd:code";
  memfd.ino = 9;
  task_.open(4, memfd);
  const auto e = one<OpenEvent>(run("memfd_create", {str("code"), 0}, 4));
  EXPECT_TRUE(e.created);
  EXPECT_EQ(e.at.file, memfd);
  EXPECT_EQ(one<OpenEvent>(run("memfd_create", {str("x"), 0}, -EMFILE)).at.file.path, "memfd:x");
}

TEST_F(OpenCalls, FileByHandleIsWhatTheDescriptorSays) {
  task_.open(3, fs_.dir("/mnt"));
  task_.open(4, fs_.file("/mnt/f"));
  const auto e = one<OpenEvent>(run("open_by_handle_at", {3, 0x1000, O_RDONLY}, 4));
  EXPECT_EQ(e.at.file.path, "/mnt/f");
  EXPECT_EQ(e.at.base, "/mnt");
  EXPECT_EQ(one<OpenEvent>(run("open_by_handle_at", {3, 0x1000, 0}, -ESTALE)).error, ESTALE);
}

TEST_F(OpenCalls, TheKernelsOwnOpensAreTold) {
  fs_.file("/var/acct", "old");
  EXPECT_EQ(changes("acct", {str("/var/acct")}), std::vector<std::string>{"/var/acct+"});
  EXPECT_EQ(one<OpenEvent>(run("acct", {str("/var/acct")}, 0)).flags,
            uint32_t(O_WRONLY | O_APPEND));
  EXPECT_EQ(enter("acct", {0}), nullptr);
  EXPECT_EQ(one<OpenEvent>(run("swapon", {str("/var/acct"), 0}, 0)).at.file.path, "/var/acct");
  EXPECT_EQ(one<OpenEvent>(run("swapoff", {str("/nope")}, -ENOENT)).error, ENOENT);
  EXPECT_EQ(one<OpenEvent>(run("uselib", {str("/var/acct")}, 0, Abi::kI386)).fd, -1);
}

TEST_F(OpenCalls, OpenTreeIsAPathDescriptor) {
  fs_.dir("/mnt");
  task_.open(4, fs_.ref("/mnt"));
  const auto e = one<OpenEvent>(run("open_tree", {kCwd, str("/mnt"), 0}, 4));
  EXPECT_EQ(e.at.file.path, "/mnt");
  EXPECT_EQ(e.flags, uint32_t{O_PATH});
}

TEST_F(OpenCalls, PathsAsLongAsTheyMayBeAreReadWhole) {
  std::string path;
  while (path.size() + 4 < 4095) path += "/./.";
  const auto e = one<OpenEvent>(run("open", {str(path), O_PATH}, -EMFILE));
  EXPECT_EQ(e.at.path, path);
  EXPECT_EQ(e.at.file.path, "/");
  const std::string too_long(5000, 'x');
  EXPECT_EQ(predicted("open", {str(too_long), 0}), -ENAMETOOLONG);
}

TEST_F(OpenCalls, NamesKeepTheirBytes) {
  const std::string name = "/a b\n\xff\x01";
  task_.open(3, fs_.file(name));
  EXPECT_EQ(one<OpenEvent>(run("open", {str(name), 0}, 3)).at.file.path, name);
}

}  // namespace
}  // namespace fptrace
