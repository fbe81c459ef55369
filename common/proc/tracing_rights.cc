#include "common/proc/tracing_rights.h"

#include <linux/capability.h>
#include <unistd.h>

#include "common/base/scanner.h"
#include "common/proc/status.h"
#include "common/proc/text_file.h"

namespace fptrace {
namespace {

std::string container_name() {
  if (::access("/.dockerenv", F_OK) == 0) return "docker";
  if (::access("/run/.containerenv", F_OK) == 0) return "podman";
  // systemd's convention (CONTAINER_INTERFACE): kept by lxc, nspawn, podman.
  const std::string environ = std::string(1, '\0') + read_text_file("/proc/1/environ").value_or("");
  const std::string marker = std::string(1, '\0') + "container=";
  if (const size_t at = environ.find(marker); at != environ.npos)
    return environ.c_str() + at + marker.size();
  std::string systemd = read_text_file("/run/systemd/container").value_or("");
  while (systemd.ends_with('\n')) systemd.pop_back();
  return systemd;
}

}  // namespace

TracingRights tracing_rights() {
  TracingRights out;
  if (const auto status = read_status(::getpid())) {
    out.cap_sys_ptrace = (status->cap_effective >> CAP_SYS_PTRACE & 1) != 0;
    out.cap_sys_admin = (status->cap_effective >> CAP_SYS_ADMIN & 1) != 0;
    out.tracer_pid = status->tracer_pid;
    out.seccomp_mode = status->seccomp;
  }
  const std::string yama = read_text_file("/proc/sys/kernel/yama/ptrace_scope").value_or("");
  int scope = 0;
  if (Scanner(yama).dec(scope)) out.yama_scope = scope;
  out.container = container_name();
  return out;
}

std::string why_not_trace(const TracingRights& r, Tracee tracee) {
  const int scope = r.yama_scope.value_or(0);
  const bool running = tracee == Tracee::kRunning;
  if (scope >= 3) {
    return "kernel.yama.ptrace_scope is 3: nobody may trace until the next boot; set "
           "kernel.yama.ptrace_scope=1 in /etc/sysctl.d and reboot";
  }
  if (scope == 2 && !r.cap_sys_ptrace) {
    return "kernel.yama.ptrace_scope is 2: only root may trace; run fptrace as root, or: sysctl "
           "kernel.yama.ptrace_scope=1";
  }
  if (running && scope == 1 && !r.cap_sys_ptrace) {
    return "kernel.yama.ptrace_scope is 1: only own children may be traced; run fptrace as root, "
           "or: sysctl kernel.yama.ptrace_scope=0";
  }
  if (running) {
    const std::string grant = r.container.empty() ? "" : ", a container with --cap-add=SYS_PTRACE";
    return "it belongs to another user, or is traced already; run fptrace as its owner or as root "
           "(CAP_SYS_PTRACE" +
           grant + "), and end the other tracer";
  }
  if (r.tracer_pid != 0) {
    return "process " + std::to_string(r.tracer_pid) +
           " traces fptrace itself and all its children (a debugger, strace or another fptrace); "
           "run fptrace outside of it";
  }
  if (!r.container.empty()) {
    return "this is a container (" + r.container +
           "); start it with --cap-add=SYS_PTRACE, and where that does not help with "
           "--security-opt seccomp=unconfined";
  }
  if (r.seccomp_mode == 2) {
    return "a seccomp filter is on fptrace itself, as sandboxes and container engines install it, "
           "and forbids ptrace; run fptrace outside, or a container with --cap-add=SYS_PTRACE or "
           "--security-opt seccomp=unconfined";
  }
  return "a security module (SELinux: setsebool deny_ptrace off; AppArmor: allow ptrace in the "
         "profile) or a sandbox forbids it";
}

}  // namespace fptrace
