#include "backends/emu/qemu/qemu_binary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "backends/emu/qemu/command.h"

namespace fptrace::emu {
namespace {

using ::testing::HasSubstr;

TEST(ParseQemuVersion, ReadsNumbersAndThePackagesVersion) {
  const auto v = parse_qemu_version(
      "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright (c) 2003\n");
  ASSERT_TRUE(v);
  EXPECT_EQ(*v, (QemuVersion{10, 0, 2, "Debian 1:10.0.2+ds-2"}));
  EXPECT_EQ(to_string(*v), "10.0.2 (Debian 1:10.0.2+ds-2)");
}

TEST(ParseQemuVersion, DoesWithoutThirdNumberAndPackage) {
  const auto v = parse_qemu_version("QEMU emulator version 11.1\n");
  ASSERT_TRUE(v);
  EXPECT_EQ(*v, (QemuVersion{11, 1, 0, ""}));
}

TEST(ParseQemuVersion, RefusesWhatIsNone) {
  for (const char* text : {"", "QEMU", "QEMU emulator version ", "QEMU emulator version x.1",
                           "QEMU emulator version 10", "QEMU emulator version 10.",
                           "QEMU emulator version 123456789.1.1"})
    EXPECT_FALSE(parse_qemu_version(text)) << text;
}

// A QEMU of our own making, in the environment.
class FindQemu : public ::testing::Test {
 protected:
  FindQemu() {
    char name[] = "/tmp/find_qemu_XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~FindQemu() override {
    ::unsetenv("FPTRACE_QEMU");
    std::filesystem::remove_all(directory_);
  }
  void have(const std::string& script) {
    const std::string path = directory_ + "/qemu";
    std::ofstream(path) << "#!/bin/sh\n" << script;
    ::chmod(path.c_str(), 0755);
    ::setenv("FPTRACE_QEMU", path.c_str(), 1);
  }
  std::string directory_;
};

TEST_F(FindQemu, OneThatIsNotThereSaysHowToGetIt) {
  ::setenv("FPTRACE_QEMU", "/nowhere/qemu", 1);
  const auto q = find_qemu();
  ASSERT_FALSE(q);
  EXPECT_THAT(q.error().what, HasSubstr("/nowhere/qemu"));
  EXPECT_THAT(q.error().what, HasSubstr(kGetQemu));
}

TEST_F(FindQemu, OneThatIsTooOldIsNamedWithItsVersion) {
  have("echo 'QEMU emulator version 7.2.1 (Debian 7)'\n");
  const auto q = find_qemu();
  ASSERT_FALSE(q);
  EXPECT_THAT(q.error().what, HasSubstr("QEMU 7.2.1 (Debian 7), which is too old"));
}

TEST_F(FindQemu, OneWithoutPluginsIsRefused) {
  have("echo 'QEMU emulator version 10.1.0'; echo usage\n");
  const auto q = find_qemu();
  ASSERT_FALSE(q);
  EXPECT_THAT(q.error().what, HasSubstr("--enable-plugins"));
}

TEST_F(FindQemu, OneThatWillDoIsFound) {
  have(
      "echo 'QEMU emulator version 10.1.0'; echo usage\n"
      "echo '-plugin [file=]<file>'\n");
  const auto q = find_qemu();
  ASSERT_TRUE(q) << q.error().what;
  EXPECT_EQ(q->version.minor, 1);
}

TEST(RunCommand, GivesWhatWasPrintedOrTheLastComplaint) {
  const auto printed = run_command({"sh", "-c", "echo a; echo b >&2"});
  ASSERT_TRUE(printed);
  EXPECT_EQ(*printed, "a\n");
  const auto failed = run_command({"sh", "-c", "echo first >&2; echo last >&2; exit 3"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().what, "sh: last");
  const auto none = run_command({"/nowhere/program"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().what, "/nowhere/program: cannot be run");
}

TEST(RunCommand, TakesMuchOutputOnBothStreams) {
  const auto printed =
      run_command({"sh", "-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"});
  ASSERT_TRUE(printed);
  EXPECT_EQ(printed->size(), 300000u);
}

}  // namespace
}  // namespace fptrace::emu
