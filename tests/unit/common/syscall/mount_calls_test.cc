#include <linux/mount.h>
#include <linux/sched.h>

#include "tests/unit/common/syscall/decoder_fixture.h"

namespace fptrace {
namespace {

class MountCalls : public DecoderFixture {
 protected:
  MountCalls() {
    fs_.dir("/mnt");
    fs_.symlink("/m", "mnt");
    fs_.special("/dev/sda1", S_IFBLK);
    task_.open(3, fs_.ref("/mnt"));
  }
  MountEvent event(std::string_view name, std::array<uint64_t, 6> args, int64_t result = 0,
                   Abi abi = Abi::kX86_64) {
    return one<MountEvent>(run(name, args, result, abi));
  }
};

TEST_F(MountCalls, MountTellsSourceTargetAndType) {
  const auto e = event("mount", {str("/dev/sda1"), str("/m"), str("ext4"), MS_RDONLY, 0});
  EXPECT_EQ(e.op, MountOp::kMount);
  EXPECT_EQ(e.source, "/dev/sda1");
  EXPECT_EQ(e.target.file.path, "/mnt");
  EXPECT_EQ(e.target.path, "/m");
  EXPECT_EQ(e.fstype, "ext4");
  EXPECT_EQ(e.flags, uint64_t{MS_RDONLY});
  EXPECT_EQ(event("mount", {0, str("/mnt"), 0, MS_REMOUNT, 0}).source, "");
  EXPECT_EQ(event("mount", {str("/a"), str("/mnt"), 0, MS_MOVE, 0}).op, MountOp::kMove);
  EXPECT_EQ(event("mount", {0, str("/mnt"), 0, 0, 0}, -EPERM).error, EPERM);
}

TEST_F(MountCalls, UmountMayKeepTheLink) {
  EXPECT_EQ(event("umount2", {str("/m"), 0}).target.file.path, "/mnt");
  EXPECT_EQ(event("umount2", {str("/m"), 8}).target.file.path, "/m");
  EXPECT_EQ(event("umount", {str("/m"), 8}, 0, Abi::kI386).target.file.path, "/mnt");
  EXPECT_EQ(event("umount2", {str("/m"), 0}).op, MountOp::kUmount);
}

TEST_F(MountCalls, PivotRootTellsBothDirectories) {
  const auto e = event("pivot_root", {str("/mnt"), str("/mnt/old")});
  EXPECT_EQ(e.op, MountOp::kPivotRoot);
  EXPECT_EQ(e.target.file.path, "/mnt");
  EXPECT_EQ(e.source, "/mnt/old");
}

TEST_F(MountCalls, TheNewCallsTellWhatTheyCan) {
  EXPECT_EQ(event("fsopen", {str("tmpfs"), 0}, 4).fstype, "tmpfs");
  FileRef context;
  context.path = "anon_inode:[fscontext]";
  task_.open(4, context);
  EXPECT_EQ(event("fsmount", {4, 0, 0}, 3).target.file.path, "/mnt");
  EXPECT_EQ(event("fsmount", {4, 0, 0}, 3).source, context.path);
  EXPECT_EQ(event("fspick", {kCwd, str("/m"), 0}, 5).target.file.path, "/mnt");
  EXPECT_EQ(event("fspick", {kCwd, str("/m"), FSPICK_SYMLINK_NOFOLLOW}, 5).target.file.path, "/m");
  EXPECT_EQ(event("mount_setattr", {3, str(""), AT_EMPTY_PATH, 0, 0}).target.file.path, "/mnt");
}

TEST_F(MountCalls, MoveMountTellsTheTarget) {
  task_.open(7, fs_.dir("/other"));
  auto e = event("move_mount",
                 {7, str(""), kCwd, str("/m"), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS});
  EXPECT_EQ(e.op, MountOp::kMove);
  EXPECT_EQ(e.source, "/other");
  EXPECT_EQ(e.target.file.path, "/mnt");
  e = event("move_mount", {kCwd, str("/a"), 3, str(""), MOVE_MOUNT_T_EMPTY_PATH});
  EXPECT_EQ(e.source, "/a");
  EXPECT_EQ(e.target.file.path, "/mnt");
}

TEST_F(MountCalls, OptionsThatNameFilesAreQuestionsAboutThem) {
  const auto source = one<PathEvent>(
      run("fsconfig", {4, FSCONFIG_SET_STRING, str("source"), str("/dev/sda1"), 0}, 0));
  EXPECT_EQ(source.at.file.path, "/dev/sda1");
  const auto path =
      one<PathEvent>(run("fsconfig", {4, FSCONFIG_SET_PATH, str("lowerdir"), str("/m"), kCwd}, 0));
  EXPECT_EQ(path.at.file.path, "/mnt");
  EXPECT_EQ(enter("fsconfig", {4, FSCONFIG_SET_STRING, str("size"), str("/mnt"), 0}), nullptr);
  EXPECT_EQ(enter("fsconfig", {4, FSCONFIG_SET_STRING, str("source"), str("tmpfs"), 0}), nullptr);
  EXPECT_EQ(enter("fsconfig", {4, FSCONFIG_CMD_CREATE, 0, 0, 0}), nullptr);
}

TEST_F(MountCalls, NamespacesAreTold) {
  EXPECT_EQ(event("unshare", {CLONE_NEWNS}).flags, uint64_t{CLONE_NEWNS});
  EXPECT_EQ(event("unshare", {CLONE_NEWNS}).op, MountOp::kNamespace);
  FileRef ns;
  ns.path = "mnt:[1]";
  task_.open(8, ns);
  const auto e = event("setns", {8, CLONE_NEWNS});
  EXPECT_EQ(e.source, "mnt:[1]");
  EXPECT_EQ(e.op, MountOp::kNamespace);
}

TEST_F(MountCalls, UnreadableTargetOfASuccessfulMountIsAGap) {
  EXPECT_EQ(one<GapEvent>(run("mount", {0, kNowhere, 0, 0, 0}, 0)),
            (GapEvent{"unreadable path", "mount"}));
  EXPECT_EQ(event("mount", {0, kNowhere, 0, 0, 0}, -EFAULT).error, EFAULT);
}

}  // namespace
}  // namespace fptrace
