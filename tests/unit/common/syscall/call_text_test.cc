#include "common/syscall/call_text.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "tests/support/fake_task.h"

namespace fptrace {
namespace {

using ::testing::ElementsAre;

class CallTextTest : public ::testing::Test {
 protected:
  std::vector<std::string> args(uint64_t nr, std::array<uint64_t, 6> args) {
    return call_text(task_, {Abi::kX86_64, nr, args}).args;
  }
  fptrace::testing::FakeFileSystem files_;
  fptrace::testing::FakeTask task_{files_};
};

TEST_F(CallTextTest, AnOpenIsReadable) {
  const uint64_t path = task_.put_string("/etc/a\nb");
  EXPECT_THAT(args(SYS_openat, {uint64_t(AT_FDCWD), path, O_RDONLY | O_CLOEXEC, 077777}),
              ElementsAre("AT_FDCWD", "\"/etc/a\\nb\"", "O_RDONLY|O_CLOEXEC"));
  EXPECT_THAT(args(SYS_open, {path, O_RDWR | O_CREAT | O_TRUNC, 0644}),
              ElementsAre("\"/etc/a\\nb\"", "O_RDWR|O_CREAT|O_TRUNC", "0644"));
  EXPECT_THAT(args(SYS_openat, {3, path, O_RDWR | O_TMPFILE, 0600}),
              ElementsAre("3", "\"/etc/a\\nb\"", "O_RDWR|O_TMPFILE", "0600"));
}

TEST_F(CallTextTest, BuffersAreShownWhereTheyHaveContent) {
  const uint64_t out = task_.put("hello\x01\xff"), in = task_.put("answer");
  EXPECT_THAT(args(SYS_write, {1, out, 7}), ElementsAre("1", "\"hello\\x01\\xff\"", "7"));
  const SyscallCall read{Abi::kX86_64, SYS_read, {0, in, 100}};
  CallText text = call_text(task_, read);
  EXPECT_EQ(text.args[1][0], '0') << "nothing has been read yet";
  add_results(task_, read, 6, text);
  EXPECT_THAT(text.args, ElementsAre("0", "\"answer\"", "100"));
  CallText failed = call_text(task_, read);
  add_results(task_, read, -EAGAIN, failed);
  EXPECT_EQ(failed.args[1][0], '0');
}

TEST_F(CallTextTest, WhatIsLongIsCut) {
  const std::string longer(100, 'x');
  const uint64_t buffer = task_.put(longer), path = task_.put_string(longer);
  const std::string cut = "\"" + std::string(64, 'x') + "\"...";
  EXPECT_EQ(args(SYS_write, {1, buffer, 100})[1], cut);
  EXPECT_EQ(args(SYS_chdir, {path})[0], cut);
}

TEST_F(CallTextTest, WhatCannotBeReadIsAnAddress) {
  EXPECT_THAT(args(SYS_chdir, {0x40}), ElementsAre("0x40"));
  EXPECT_THAT(args(SYS_chdir, {0}), ElementsAre("NULL"));
  EXPECT_THAT(args(SYS_write, {1, 0x40, 5}), ElementsAre("1", "0x40", "5"));
}

TEST_F(CallTextTest, ArgumentsOfAProgramAreAList) {
  const uint64_t a = task_.put_string("sh"), b = task_.put_string("-c");
  const uint64_t list = task_.put_value(std::array<uint64_t, 3>{a, b, 0});
  EXPECT_THAT(args(SYS_execve, {a, list, list}),
              ElementsAre("\"sh\"", "[\"sh\", \"-c\"]", "[2 strings]"));
}

TEST_F(CallTextTest, UnknownCallsHaveTheirRegisters) {
  const CallText text = call_text(task_, {Abi::kX86_64, 900, {1, 2, 3, 4, 5, 0xffffffffffffffff}});
  EXPECT_EQ(text.name, "syscall_900");
  EXPECT_THAT(text.args, ElementsAre("0x1", "0x2", "0x3", "0x4", "0x5", "0xffffffffffffffff"));
}

TEST_F(CallTextTest, ExitsDoNotReturn) {
  EXPECT_FALSE(call_text(task_, {Abi::kX86_64, SYS_exit_group, {3}}).returns);
  EXPECT_TRUE(call_text(task_, {Abi::kX86_64, SYS_getpid, {}}).returns);
}

TEST_F(CallTextTest, ResultsAreNumbersErrorsOrAddresses) {
  EXPECT_EQ(result_text({Abi::kX86_64, SYS_read, {}}, 5), "5");
  EXPECT_EQ(result_text({Abi::kX86_64, SYS_openat, {}}, -ENOENT), "-1 ENOENT");
  EXPECT_EQ(result_text({Abi::kX86_64, SYS_mmap, {}}, 0x7f0000001000), "0x7f0000001000");
  EXPECT_EQ(result_text({Abi::kX86_64, SYS_mmap, {}}, -ENOMEM), "-1 ENOMEM");
  EXPECT_EQ(result_text({Abi::kX86_64, SYS_read, {}}, -4000), "-1 4000");
}

TEST_F(CallTextTest, I386ArgumentsHaveTheWidthOfTheirInterface) {
  const uint64_t path = task_.put_string("/x");
  const CallText text =
      call_text(task_, {Abi::kI386, 5 /* open */, {0xffffffff00000000 | path, O_WRONLY}});
  EXPECT_EQ(text.name, "open");
  EXPECT_THAT(text.args, ElementsAre("\"/x\"", "O_WRONLY"));
}

}  // namespace
}  // namespace fptrace
