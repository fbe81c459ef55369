#include <linux/sched.h>

#include "tests/unit/common/syscall/decoder_fixture.h"

namespace fptrace {
namespace {

using DecoderTest = DecoderFixture;

TEST_F(DecoderTest, DecodesEveryWatchedCall) {
  for (const SyscallRow& row : syscall_table()) {
    const bool events = row.attention != Attention::kNone;
    const bool rights_only = row.changes_rights && row.name != "setns" && row.name != "unshare";
    EXPECT_EQ(decoder_.decodes(row), events && !rights_only) << row.name;
  }
}

TEST_F(DecoderTest, SurvivesEveryCallWithUnreadableArguments) {
  for (const SyscallRow& row : syscall_table()) {
    for (const Abi abi : {Abi::kX86_64, Abi::kI386, Abi::kX32}) {
      if (row.nr[size_t(abi)] < 0) continue;
      std::array<uint64_t, 6> args;
      args.fill(kNowhere);
      for (const int64_t result : {int64_t{0}, int64_t{-EFAULT}, kSucceeded})
        (void)run(row.name, args, result, abi);
    }
  }
}

TEST_F(DecoderTest, UninterestingCallsAreNothing) {
  EXPECT_EQ(enter("read", {0, 0, 0}), nullptr);
  EXPECT_EQ(enter("mmap", {0, 4096, 3, 0x22, ~uint64_t{0}, 0}), nullptr);
  EXPECT_EQ(enter("setuid", {0}), nullptr);
  EXPECT_EQ(enter("sendto", {3, 0, 0, 0, 0, 0}), nullptr);
}

TEST_F(DecoderTest, UnknownNumbersAreGapsByTheirNumber) {
  const auto gap = [&](Abi abi, uint64_t nr, int64_t result) {
    return leave(decoder_.enter(task_, {abi, nr, {}}), result);
  };
  EXPECT_EQ(one<GapEvent>(gap(Abi::kX86_64, 999, 0)).what, "syscall 999");
  EXPECT_EQ(one<GapEvent>(gap(Abi::kI386, 999, 0)).what, "i386 syscall 999");
  EXPECT_EQ(one<GapEvent>(gap(Abi::kX32, 999, -EINVAL)).what, "x32 syscall 999");
  EXPECT_TRUE(gap(Abi::kX86_64, 999, -ENOSYS).empty()) << "the kernel does not know it either";
}

TEST_F(DecoderTest, WhatHappensUnseenIsAGapByName) {
  EXPECT_EQ(one<GapEvent>(run("io_uring_setup", {8, 0}, 3)).what, "io_uring_setup");
  EXPECT_EQ(one<GapEvent>(run("io_uring_enter", {3, 1, 1, 1}, 1)).what, "io_uring_enter");
  EXPECT_TRUE(run("io_uring_setup", {8, 0}, -EPERM).empty());
  EXPECT_EQ(one<GapEvent>(run("init_module", {0, 0, 0}, 0)).what, "init_module");
  task_.open(3, fs_.file("/lib/m.ko"));
  EXPECT_EQ(one<GapEvent>(run("finit_module", {3, 0, 0}, 0)),
            (GapEvent{"finit_module", "/lib/m.ko"}));
  EXPECT_EQ(one<GapEvent>(run("kexec_file_load", {3, 3}, 0)).detail, "/lib/m.ko");
  EXPECT_EQ(one<GapEvent>(run("request_key", {str("user"), str("k"), str("info")}, 7)),
            (GapEvent{"request_key", "k"}));
}

TEST_F(DecoderTest, TellsWhichCallsMayBlock) {
  EXPECT_TRUE(enter("io_uring_enter", {3, 1, 1, 1})->may_block());
  EXPECT_FALSE(enter("rename", {str("/a"), str("/b")})->may_block());
}

TEST_F(DecoderTest, CloneFlagsOfEveryKindOfFork) {
  const auto flags = [&](std::string_view name, std::array<uint64_t, 6> args,
                         Abi abi = Abi::kX86_64) {
    const auto nr = uint64_t(find_syscall(name)->nr[size_t(abi)]);
    return clone_flags(task_, {abi, nr, args});
  };
  EXPECT_EQ(flags("fork", {}), 0u);
  EXPECT_EQ(flags("vfork", {}), uint64_t{CLONE_VFORK | CLONE_VM});
  EXPECT_EQ(flags("clone", {CLONE_VM | CLONE_FS | 17}), uint64_t{CLONE_VM | CLONE_FS});
  EXPECT_EQ(flags("clone", {CLONE_VM | 17 | uint64_t{1} << 40}, Abi::kI386), uint64_t{CLONE_VM});
  clone_args args{};
  args.flags = CLONE_FILES | CLONE_CLEAR_SIGHAND;
  EXPECT_EQ(flags("clone3", {task_.put_value(args), sizeof args}), args.flags);
  EXPECT_EQ(flags("clone3", {kNowhere, 64}), 0u);
}

}  // namespace
}  // namespace fptrace
