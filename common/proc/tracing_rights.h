#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

namespace fptrace {

// What decides whether this process may trace others, apart from who owns those: ptrace(2), "Ptrace
// access mode checking", and Documentation/admin-guide/LSM/Yama.rst in Linux.
struct TracingRights {
  std::optional<int> yama_scope;  // kernel.yama.ptrace_scope; none: no Yama
  bool cap_sys_ptrace = false;
  bool cap_sys_admin = false;
  pid_t tracer_pid = 0;   // who traces this process itself; 0: nobody
  int seccomp_mode = 0;   // of this process itself: 2 is a filter, as container engines install
  std::string container;  // "docker", "podman", "lxc", ...; empty: none noticed
};

// Of this process. What cannot be read is left at its default.
TracingRights tracing_rights();

enum class Tracee { kOwnChild, kRunning };

// Why the kernel refused with EPERM, and what to do about it. Pure.
std::string why_not_trace(const TracingRights& rights, Tracee tracee);

}  // namespace fptrace
