#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "frontends/doctor/checks.h"

namespace fptrace::doctor {
namespace {

using ::testing::HasSubstr;

// A machine where everything works.
Facts good() {
  Facts f;
  f.kernel = "6.12.1";
  f.machine = "x86_64";
  f.rights.cap_sys_ptrace = f.rights.cap_sys_admin = true;
  f.ia32_loader = true;
  f.output_dir = "/w";
  f.output_free = uint64_t{1} << 40;
  f.libraries = "zstd 1";
  f.qemu = "QEMU 10.0.2, /usr/bin/qemu-system-x86_64";
  f.image = "Linux 6.1.0 with BTF";
  return f;
}

TEST(Judge, AMachineWhereEverythingWorksGetsNoAdvice) {
  for (const auto& c : judge(good())) {
    EXPECT_EQ(c.verdict, Verdict::kOk) << c.name;
    EXPECT_EQ(c.advice, "") << c.name;
    EXPECT_NE(c.found, "") << c.name;
  }
  EXPECT_TRUE(can_trace(judge(good())));
}

struct Trouble {
  const char* name;
  std::function<void(Facts&)> change;
  const char* check;
  Verdict verdict;
  const char* found;   // part of it
  const char* advice;  // part of it
};
void PrintTo(const Trouble& t, std::ostream* out) { *out << t.name; }

class OneTrouble : public ::testing::TestWithParam<Trouble> {};
TEST_P(OneTrouble, IsNamedWithWhatToDoAndChangesNothingElse) {
  const Trouble& t = GetParam();
  Facts f = good();
  t.change(f);
  const auto checks = judge(f), before = judge(good());
  ASSERT_EQ(checks.size(), before.size());
  for (size_t i = 0; i < checks.size(); ++i) {
    if (checks[i].name != t.check) {
      EXPECT_EQ(checks[i], before[i]);
      continue;
    }
    EXPECT_EQ(checks[i].verdict, t.verdict);
    EXPECT_THAT(checks[i].found, HasSubstr(t.found));
    EXPECT_THAT(checks[i].advice, HasSubstr(t.advice));
    EXPECT_NE(checks[i].advice, "");
  }
  EXPECT_EQ(can_trace(checks), t.verdict != Verdict::kFail);
}
INSTANTIATE_TEST_SUITE_P(
    , OneTrouble,
    ::testing::Values(
        Trouble{"YamaAttach",
                [](Facts& f) {
                  f.rights.yama_scope = 1;
                  f.rights.cap_sys_ptrace = false;
                },
                "attach", Verdict::kWarn, "ptrace_scope is 1", "as root"},
        Trouble{"YamaNoAttach", [](Facts& f) { f.rights.yama_scope = 3; }, "attach", Verdict::kWarn,
                "ptrace_scope is 3", "reboot"},
        Trouble{"OldKernel", [](Facts& f) { f.syscall_info = EIO; }, "syscall info", Verdict::kFail,
                "Input/output error", "5.3"},
        Trouble{"NoMemory", [](Facts& f) { f.read_memory = EPERM; }, "memory", Verdict::kFail,
                "cannot be read", "process_vm_readv"},
        Trouble{"NoFilter", [](Facts& f) { f.filter = EINVAL; }, "seccomp filter", Verdict::kWarn,
                "Invalid argument", "CONFIG_SECCOMP_FILTER"},
        Trouble{"NoNotifications", [](Facts& f) { f.notifications = EBUSY; }, "notifications",
                Verdict::kWarn, "resource busy", "sandbox"},
        Trouble{"SlowNotifications", [](Facts& f) { f.sync_wake_up = EINVAL; }, "notifications",
                Verdict::kWarn, "SYNC_WAKE_UP", "6.6"},
        Trouble{"NoPrivileges", [](Facts& f) { f.filter_with_privileges = EACCES; },
                "setuid programs", Verdict::kWarn, "without their privileges", "as root"},
        Trouble{"KernelInDeadlock", [](Facts& f) { f.filter = ETIMEDOUT; }, "seccomp filter",
                Verdict::kWarn, "deadlock", "reboot"},
        Trouble{"No32Bit", [](Facts& f) { f.ia32_calls = EFAULT; }, "32-bit", Verdict::kWarn,
                "no 32-bit", "ia32_emulation"},
        Trouble{"NotDebian", [](Facts& f) { f.package_database = ENOENT; }, "packages",
                Verdict::kWarn, "No such file", "manifests"},
        Trouble{"NoQemu",
                [](Facts& f) {
                  f.qemu = "";
                  f.qemu_trouble = "there is no qemu-system-x86_64 here; install it";
                },
                "emulator", Verdict::kWarn, "there is no qemu", "install it"},
        Trouble{"NoDiskTools",
                [](Facts& f) { f.tools_trouble = "there is no mke2fs here; install e2fsprogs"; },
                "guest image", Verdict::kWarn, "no mke2fs", "e2fsprogs"},
        Trouble{"NoPlaceForImages", [](Facts& f) { f.image_trouble = "no place"; }, "guest image",
                Verdict::kWarn, "no place", "XDG_CACHE_HOME"},
        Trouble{"ReadOnlyDirectory", [](Facts& f) { f.output_writable = EROFS; }, "output",
                Verdict::kWarn, "Read-only", "-o"},
        Trouble{"FullDisk", [](Facts& f) { f.output_free = uint64_t{3} << 20; }, "output",
                Verdict::kWarn, "3 MiB free", "-o"}),
    [](const auto& i) { return i.param.name; });

TEST(Judge, SaysNothingOfWhatCouldNotBeTriedWithoutPtrace) {
  Facts f = good();
  f.trace_child = f.syscall_info = f.read_memory = EPERM;
  const auto checks = judge(f);
  EXPECT_EQ(std::ranges::count(checks, Verdict::kFail, &Check::verdict), 1);
  const auto ptrace = std::ranges::find(checks, "ptrace", &Check::name);
  ASSERT_NE(ptrace, checks.end());
  EXPECT_THAT(ptrace->found, HasSubstr("Operation not permitted"));
  EXPECT_EQ(ptrace->advice, why_not_trace(f.rights, Tracee::kOwnChild));
  EXPECT_FALSE(can_trace(checks));
}

TEST(CollectFacts, FindsOutAboutThisMachineAndLeavesNoChild) {
  const Facts f = collect_facts("/");
  EXPECT_NE(f.kernel, "");
  EXPECT_EQ(f.output_writable == 0, ::access("/", W_OK) == 0);
  EXPECT_GT(f.output_free, 0u);
  // Where tracing works at all (not under a tracer, not in every container), all of it does.
  if (f.trace_child == 0) {
    EXPECT_EQ(f.syscall_info, 0);
    EXPECT_EQ(f.read_memory, 0);
  }
  if (f.filter == ETIMEDOUT) GTEST_SKIP() << "a child that hangs in the kernel cannot be reaped";
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace fptrace::doctor
