#pragma once
#include <linux/filter.h>

#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::ptrace {

// What a call that matters does under the filter; every other call is allowed at once.
enum class Watch {
  kNotify,  // SECCOMP_RET_USER_NOTIF: the caller waits for the listener's answer
  kTrace,   // SECCOMP_RET_TRACE: PTRACE_EVENT_SECCOMP
};

// SECCOMP_RET_DATA of our kTrace: tells our stops from those of a filter of the program's own.
inline constexpr unsigned kTraceMark = 0x6670;

// The BPF program for seccomp(2), made from the syscall table: checks the architecture first, then
// finds the number by binary search, then applies the row's argument tests. x32 calls and numbers
// that the table does not know are always watched.
//
// Written by hand, not with libseccomp: that library (2.5) knows neither numbers newer than
// itself, nor "every number above N", nor SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV.
std::vector<sock_filter> make_filter(Watch watch);

// Installs the filter on the calling thread; for use between fork and exec (no allocation).
// With kNotify returns the listener's descriptor, else 0; negative errno on failure. Sets
// no_new_privs first if asked: without CAP_SYS_ADMIN the kernel wants it (seccomp(2)).
int install_filter(const sock_filter* program, size_t length, Watch watch, bool no_new_privs);

}  // namespace fptrace::ptrace
