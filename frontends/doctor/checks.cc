#include "frontends/doctor/checks.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace fptrace::doctor {
namespace {

std::string reason(Attempt a) { return std::generic_category().message(a); }

Check check_ptrace(const Facts& f) {
  if (f.trace_child != 0) {
    return {"ptrace", Verdict::kFail, "a child cannot be traced: " + reason(f.trace_child),
            why_not_trace(f.rights, Tracee::kOwnChild)};
  }
  return {"ptrace", Verdict::kOk, "a child can be traced", ""};
}

Check check_attach(const Facts& f) {
  const int scope = f.rights.yama_scope.value_or(0);
  const std::string setting =
      f.rights.yama_scope ? "kernel.yama.ptrace_scope is " + std::to_string(scope) : "no Yama";
  if (scope >= 3) {
    return {"attach", Verdict::kWarn, setting + ": no process may attach to another",
            "only a reboot takes that back; set kernel.yama.ptrace_scope=1 in /etc/sysctl.d"};
  }
  if (f.rights.cap_sys_ptrace)
    return {"attach", Verdict::kOk, setting + ", and CAP_SYS_PTRACE", ""};
  if (scope >= 1) {
    return {"attach", Verdict::kWarn, setting + ": only own descendants can be attached to",
            "for `fptrace attach`: run it as root, or sysctl kernel.yama.ptrace_scope=0"};
  }
  return {"attach", Verdict::kOk, setting + ": own processes can be attached to", ""};
}

Check check_syscall_info(const Facts& f) {
  if (f.syscall_info == 0) return {"syscall info", Verdict::kOk, "PTRACE_GET_SYSCALL_INFO", ""};
  return {"syscall info", Verdict::kFail,
          "PTRACE_GET_SYSCALL_INFO does not work: " + reason(f.syscall_info),
          "Linux 5.3 or newer is needed"};
}

Check check_memory(const Facts& f) {
  if (f.read_memory == 0) return {"memory", Verdict::kOk, "process_vm_readv", ""};
  return {
      "memory", Verdict::kFail, "a traced child's memory cannot be read: " + reason(f.read_memory),
      f.rights.container.empty() ? "a security module or seccomp filter forbids process_vm_readv"
                                 : "start the container with --cap-add=SYS_PTRACE"};
}

Check check_filter(const Facts& f) {
  if (f.filter == 0) return {"seccomp filter", Verdict::kOk, "can be loaded", ""};
  if (f.filter == ETIMEDOUT) {
    return {
        "seccomp filter", Verdict::kWarn,
        "this kernel does not come back from seccomp(2): it is in a deadlock",
        "reboot; until then tracing falls back to a stop at every system call, which is several "
        "times slower (FPTRACE_STOPS=syscall spares the attempt)"};
  }
  return {"seccomp filter", Verdict::kWarn, "cannot be loaded: " + reason(f.filter),
          "tracing falls back to a stop at every system call, which is several times slower; the "
          "kernel needs CONFIG_SECCOMP_FILTER, a container a profile that allows seccomp"};
}

Check check_notifications(const Facts& f) {
  if (f.notifications != 0) {
    return {"notifications", Verdict::kWarn,
            "seccomp user notifications cannot be had: " + reason(f.notifications),
            "programs that open many files are traced more slowly; if fptrace itself runs in a "
            "sandbox that listens (a container engine), run it outside"};
  }
  if (f.sync_wake_up != 0) {
    return {"notifications", Verdict::kWarn, "without SYNC_WAKE_UP: " + reason(f.sync_wake_up),
            "Linux 6.6 or newer traces programs that open many files several times faster"};
  }
  return {"notifications", Verdict::kOk, "seccomp user notifications with SYNC_WAKE_UP", ""};
}

Check check_privileges(const Facts& f) {
  if (f.filter_with_privileges == 0) {
    return {"setuid programs", Verdict::kOk, "keep their privileges (CAP_SYS_ADMIN)", ""};
  }
  return {"setuid programs", Verdict::kWarn, "run without their privileges while traced",
          "run fptrace as root to trace sudo, ping and the like"};
}

Check check_ia32(const Facts& f) {
  if (f.ia32_calls != 0) {
    return {"32-bit", Verdict::kWarn, "this kernel runs no 32-bit programs",
            "nothing to do, unless you have one: then boot with ia32_emulation=1"};
  }
  if (!f.ia32_loader) {
    return {"32-bit", Verdict::kOk, "system calls are decoded; no 32-bit C library is installed",
            ""};
  }
  return {"32-bit", Verdict::kOk, "system calls are decoded, 32-bit programs can start", ""};
}

// What follows is about `fptrace record` and `replay` only, so nothing of it keeps fptrace from
// tracing.
Check check_qemu(const Facts& f) {
  if (f.qemu_trouble.empty()) return {"emulator", Verdict::kOk, f.qemu, ""};
  const size_t end = f.qemu_trouble.find("; ");
  return {"emulator", Verdict::kWarn, f.qemu_trouble.substr(0, end),
          end == std::string::npos ? "" : "for fptrace record: " + f.qemu_trouble.substr(end + 2)};
}

Check check_image(const Facts& f) {
  if (!f.image_trouble.empty())
    return {"guest image", Verdict::kWarn, f.image_trouble, "set HOME or XDG_CACHE_HOME"};
  if (const size_t end = f.tools_trouble.find("; "); end != std::string::npos)
    return {"guest image", Verdict::kWarn, f.tools_trouble.substr(0, end),
            "for fptrace record: " + f.tools_trouble.substr(end + 2)};
  if (f.image.empty())
    return {"guest image", Verdict::kOk,
            "none yet; it is built when it is first needed, or by fptrace image build", ""};
  return {"guest image", Verdict::kOk, f.image, ""};
}

Check check_packages(const Facts& f) {
  if (f.package_database == 0) return {"packages", Verdict::kOk, "dpkg database", ""};
  return {"packages", Verdict::kWarn,
          "no dpkg database (/var/lib/dpkg/status: " + reason(f.package_database) + ")",
          "manifests will not say which package a file belongs to"};
}

Check check_output(const Facts& f) {
  const std::string where = "results go to " + f.output_dir;
  if (f.output_writable != 0) {
    return {"output", Verdict::kWarn, where + ": " + reason(f.output_writable),
            "change to a directory you may write to, or use -o and -l"};
  }
  constexpr uint64_t kLittle = uint64_t{64} << 20;
  const std::string space = std::to_string(f.output_free >> 20) + " MiB free";
  if (f.output_free < kLittle) {
    return {"output", Verdict::kWarn, where + ", " + space, "make room, or use -o and -l"};
  }
  return {"output", Verdict::kOk, where + ", " + space, ""};
}

}  // namespace

std::string_view to_string(Verdict v) {
  switch (v) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kFail:
      return "fail";
  }
  return "";
}

std::vector<Check> judge(const Facts& f) {
  std::vector<Check> checks{
      {"kernel", Verdict::kOk, "Linux " + f.kernel + ", " + f.machine, ""},
      {"libraries", Verdict::kOk, f.libraries, ""},
      check_ptrace(f),
      check_attach(f),
  };
  if (f.trace_child == 0) {  // without it these could not be tried
    checks.push_back(check_syscall_info(f));
    checks.push_back(check_memory(f));
  }
  for (const auto check : {check_filter, check_notifications, check_privileges, check_ia32,
                           check_packages, check_output}) {
    checks.push_back(check(f));
  }
  checks.push_back(check_qemu(f));
  checks.push_back(check_image(f));
  return checks;
}

bool can_trace(const std::vector<Check>& checks) {
  return std::ranges::none_of(checks, [](const Check& c) { return c.verdict == Verdict::kFail; });
}

}  // namespace fptrace::doctor
