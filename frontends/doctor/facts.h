#pragma once
#include <cstdint>
#include <string>

#include "common/proc/tracing_rights.h"

namespace fptrace::doctor {

// What an attempt at something came to: 0 when it worked, else the errno that it failed with.
using Attempt = int;

// What this machine lets fptrace do, found by trying it in short-lived children rather than by
// reading versions. Plain values, so that the judgement below can be tested without a machine.
struct Facts {
  std::string kernel;   // uname release
  std::string machine;  // uname machine

  Attempt trace_child = 0;   // PTRACE_SEIZE of an own child
  Attempt syscall_info = 0;  // PTRACE_GET_SYSCALL_INFO (Linux 5.3)
  Attempt read_memory = 0;   // process_vm_readv of a traced child

  TracingRights rights;

  Attempt filter = 0;                  // a seccomp filter, with no_new_privs if it takes that
  Attempt filter_with_privileges = 0;  // the same without no_new_privs
  Attempt notifications = 0;           // a filter with SECCOMP_FILTER_FLAG_NEW_LISTENER
  Attempt sync_wake_up = 0;            // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (Linux 6.6)

  Attempt ia32_calls = 0;    // int 0x80 from a 64-bit process
  bool ia32_loader = false;  // /lib/ld-linux.so.2: 32-bit programs can start

  // The emulator backend. A sentence each for what is in the way; empty: nothing is.
  std::string qemu;  // its version and where it is
  std::string qemu_trouble;
  std::string tools_trouble;  // the programs that make a guest's disks
  std::string image;          // the default guest, if it has been built for this QEMU
  std::string image_trouble;  // what keeps images from being looked at

  Attempt package_database = 0;  // reading /var/lib/dpkg/status
  std::string output_dir;
  Attempt output_writable = 0;
  uint64_t output_free = 0;  // bytes

  std::string libraries;  // names and versions of what is linked
};

// Tries everything; `output_dir` is where results would be written. Takes some milliseconds.
Facts collect_facts(const std::string& output_dir);

}  // namespace fptrace::doctor
