#include "common/proc/tracing_rights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fptrace {
namespace {

using ::testing::HasSubstr;

TEST(WhyNotTrace, NamesTheSettingAndTheFixForAChild) {
  TracingRights r;
  const auto why = [&] { return why_not_trace(r, Tracee::kOwnChild); };
  EXPECT_THAT(why(), HasSubstr("security module"));
  r.seccomp_mode = 2;
  EXPECT_THAT(why(), HasSubstr("seccomp=unconfined"));
  r.container = "docker";
  EXPECT_THAT(why(), HasSubstr("container (docker)"));
  EXPECT_THAT(why(), HasSubstr("--cap-add=SYS_PTRACE"));
  r.tracer_pid = 77;
  EXPECT_THAT(why(), HasSubstr("process 77 traces fptrace itself"));
  r.yama_scope = 1;  // does not concern children
  EXPECT_THAT(why(), HasSubstr("process 77"));
  r.yama_scope = 2;
  EXPECT_THAT(why(), HasSubstr("sysctl kernel.yama.ptrace_scope=1"));
  r.yama_scope = 3;
  EXPECT_THAT(why(), HasSubstr("reboot"));
}

TEST(WhyNotTrace, NamesTheSettingAndTheFixForARunningProcess) {
  TracingRights r;
  const auto why = [&] { return why_not_trace(r, Tracee::kRunning); };
  r.tracer_pid = 77;  // does not concern others
  EXPECT_THAT(why(), HasSubstr("belongs to another user, or is traced already"));
  r.yama_scope = 1;
  EXPECT_THAT(why(), HasSubstr("sysctl kernel.yama.ptrace_scope=0"));
  r.cap_sys_ptrace = true;
  EXPECT_THAT(why(), HasSubstr("traced already"));
}

TEST(TracingRights, OfThisProcess) {
  const TracingRights r = tracing_rights();
  if (::geteuid() != 0) { EXPECT_FALSE(r.cap_sys_ptrace && r.cap_sys_admin); }
  EXPECT_GE(r.yama_scope.value_or(0), 0);
  EXPECT_NE(r.tracer_pid, ::getpid());
}

}  // namespace
}  // namespace fptrace
