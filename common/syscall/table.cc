#include "common/syscall/table.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/prctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <vector>

namespace fptrace {
namespace {

// O_TMPFILE without its O_DIRECTORY bit; libc's name for it comes and goes with feature macros.
constexpr uint64_t kTmpfileBit = 020000000;
// Integer arguments occupy half a register; what stands in the other half is noise.
constexpr uint64_t kInt = 0xffffffff;
constexpr uint64_t kPointer = ~uint64_t{0};

constexpr uint64_t kMayWrite = O_ACCMODE | O_CREAT | O_TRUNC | kTmpfileBit;

using Numbers = std::array<int16_t, 3>;
constexpr Numbers kFromHeaders = {-1, -1, -1};
// Since Linux 5.0 a new call has one number on all architectures.
constexpr Numbers everywhere(int16_t nr) { return {nr, nr, nr}; }

// A row without its numbers, which come from the kernel headers.
struct Rule {
  std::string_view name;
  Attention attention = Attention::kNone;
  // By Abi, for calls younger than Debian 12's headers (Linux 6.1); headers that have the call win.
  Numbers newer_nr = kFromHeaders;
  std::optional<ArgTest> only_if = {};
  std::optional<ArgTest> unless = {};
  std::optional<ArgTest> asks_if = {};
  bool changes_rights = false;
};

// "Cannot touch a path or a descriptor in a new way": these work on memory, time, signals, on
// tasks, on descriptors that an earlier event told of, or on nothing in today's kernels.
constexpr std::string_view kUnwatched[] = {
    // Read, write, map or ask about a file that is open already. The open itself was the event,
    // with its access mode; so ftruncate and fallocate tell nothing new.
    "_llseek", "copy_file_range", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "epoll_wait_old", "fadvise64", "fadvise64_64", "fallocate", "fcntl", "fcntl64",
    "fdatasync", "fgetxattr", "flistxattr", "flock", "fstat", "fstat64", "fstatfs", "fstatfs64",
    "fsync", "ftruncate", "ftruncate64", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
    "io_pgetevents_time64", "io_setup", "io_submit", "io_uring_register", "ioctl", "lseek",
    "oldfstat", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read",
    "readahead", "readv", "sendfile", "sendfile64", "splice", "sync", "sync_file_range", "syncfs",
    "tee", "vmsplice", "write", "writev",
    // Make or close descriptors that no name leads to.
    "accept", "accept4", "close", "close_range", "dup", "dup2", "dup3", "epoll_create",
    "epoll_create1", "eventfd", "eventfd2", "fanotify_init", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "landlock_add_rule", "landlock_create_ruleset", "perf_event_open", "pipe",
    "pipe2", "signalfd", "signalfd4", "socket", "socketpair", "timerfd_create", "timerfd_gettime",
    "timerfd_gettime64", "timerfd_settime", "timerfd_settime64", "userfaultfd",
    // Sockets, once they have their addresses.
    "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "setsockopt", "shutdown",
    "poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64", "select", "_newselect",
    // System V and POSIX message passing, keys, BPF aside: names, but not of files.
    "add_key", "ipc", "keyctl", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive",
    "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "msgctl",
    "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "semtimedop_time64",
    "shmat", "shmctl", "shmdt", "shmget",
    // Memory. mprotect makes a file executable that was opened, and recorded, before.
    "brk", "get_mempolicy", "madvise", "mbind", "membarrier", "migrate_pages", "mincore", "mlock",
    "mlock2", "mlockall", "move_pages", "mprotect", "mremap", "msync", "munlock", "munlockall",
    "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect", "process_madvise", "process_mrelease",
    "process_vm_readv", "process_vm_writev", "remap_file_pages", "set_mempolicy",
    "set_mempolicy_home_node",
    // Tasks: how they start and end is told by the backend.
    "arch_prctl", "capget", "clone", "clone3", "exit", "exit_group", "fork", "futex",
    "futex_time64", "futex_waitv", "get_robust_list", "get_thread_area", "getcpu", "getegid",
    "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32",
    "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid", "getresgid32",
    "getresuid", "getresuid32", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "getuid32",
    "ioperm", "iopl", "ioprio_get", "ioprio_set", "kcmp", "kill", "modify_ldt", "nice",
    "personality", "pidfd_open", "pidfd_send_signal", "prlimit64", "ptrace", "restart_syscall",
    "rseq", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler", "sched_yield", "set_robust_list", "set_thread_area", "set_tid_address",
    "setpgid", "setpriority", "setrlimit", "setsid", "tgkill", "times", "tkill", "ugetrlimit",
    "umask", "vfork", "vm86", "vm86old", "wait4", "waitid", "waitpid",
    // Signals.
    "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sgetmask",
    "sigaction", "sigaltstack", "signal", "sigpending", "sigprocmask", "sigreturn", "sigsuspend",
    "ssetmask",
    // Time.
    "adjtimex", "alarm", "clock_adjtime", "clock_adjtime64", "clock_getres", "clock_getres_time64",
    "clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
    "clock_settime", "clock_settime64", "getitimer", "gettimeofday", "nanosleep", "setitimer",
    "settimeofday", "stime", "time", "timer_create", "timer_delete", "timer_getoverrun",
    "timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64",
    // The system as a whole; getcwd, statmount and lookup_dcookie answer with names, take none.
    "delete_module", "getcwd", "getrandom", "kexec_load", "lookup_dcookie", "olduname",
    "oldolduname", "reboot", "setdomainname", "sethostname", "sysfs", "sysinfo", "syslog", "uname",
    "ustat", "vhangup",
    // Removed, or never implemented: they answer ENOSYS.
    "_sysctl", "afs_syscall", "bdflush", "break", "create_module", "ftime", "get_kernel_syms",
    "getpmsg", "gtty", "idle", "lock", "mpx", "nfsservctl", "prof", "profil", "putpmsg",
    "query_module", "security", "stty", "tuxcall", "ulimit", "vserver"};

constexpr Rule newer(std::string_view name, Numbers nr) { return {.name = name, .newer_nr = nr}; }

// More of the same, younger than Linux 6.1's headers.
constexpr Rule kNewerUnwatched[] = {newer("uretprobe", {335, -1, -1}),
                                    newer("uprobe", {336, -1, -1}),
                                    newer("cachestat", everywhere(451)),
                                    newer("map_shadow_stack", everywhere(453)),
                                    newer("futex_wake", everywhere(454)),
                                    newer("futex_wait", everywhere(455)),
                                    newer("futex_requeue", everywhere(456)),
                                    newer("statmount", everywhere(457)),
                                    newer("listmount", everywhere(458)),
                                    newer("lsm_get_self_attr", everywhere(459)),
                                    newer("lsm_set_self_attr", everywhere(460)),
                                    newer("lsm_list_modules", everywhere(461)),
                                    newer("mseal", everywhere(462)),
                                    newer("listns", everywhere(470))};

constexpr Rule asks(std::string_view name, Numbers newer_nr = kFromHeaders) {
  return {.name = name, .attention = Attention::kAsks, .newer_nr = newer_nr};
}
constexpr Rule acts(std::string_view name, Numbers newer_nr = kFromHeaders) {
  return {.name = name, .attention = Attention::kActs, .newer_nr = newer_nr};
}
constexpr Rule rights(std::string_view name) {
  return {.name = name, .attention = Attention::kActs, .changes_rights = true};
}
constexpr Rule opens(std::string_view name, uint8_t flags_arg) {
  return {.name = name,
          .attention = Attention::kActs,
          .asks_if = ArgTest{flags_arg, kMayWrite, O_RDONLY}};
}
// Only executable mappings of files; the rest is the most frequent call of most programs.
constexpr Rule maps(std::string_view name) {
  return {.name = name,
          .attention = Attention::kAsks,
          .only_if = ArgTest{2, PROT_EXEC, PROT_EXEC},
          .unless = ArgTest{3, MAP_ANONYMOUS, MAP_ANONYMOUS}};
}

constexpr Rule kWatched[] = {
    // Ask about a path, change nothing.
    asks("access"),
    asks("faccessat"),
    asks("faccessat2"),
    asks("file_getattr", everywhere(468)),
    asks("fstatat64"),
    asks("getdents"),
    asks("getdents64"),
    asks("getxattr"),
    asks("getxattrat", everywhere(464)),
    asks("inotify_add_watch"),
    asks("lgetxattr"),
    asks("listxattr"),
    asks("listxattrat", everywhere(465)),
    asks("llistxattr"),
    asks("lstat"),
    asks("lstat64"),
    asks("name_to_handle_at"),
    asks("newfstatat"),
    asks("oldlstat"),
    asks("oldstat"),
    asks("readdir"),
    asks("readlink"),
    asks("readlinkat"),
    asks("stat"),
    asks("stat64"),
    asks("statfs"),
    asks("statfs64"),
    asks("statx"),
    // Open.
    opens("open", 1),
    opens("openat", 2),
    acts("openat2"),
    acts("creat"),
    acts("open_by_handle_at"),
    acts("memfd_create"),
    acts("memfd_secret"),
    acts("acct"),
    acts("swapon"),
    acts("swapoff"),
    acts("uselib"),
    // Run and map.
    acts("execve"),
    acts("execveat"),
    maps("mmap"),
    maps("mmap2"),
    // i386's number 90: takes a pointer to its arguments, which no test on registers can see.
    // The headers call it mmap as well.
    asks("old_mmap"),
    // Names.
    acts("link"),
    acts("linkat"),
    acts("mkdir"),
    acts("mkdirat"),
    acts("mknod"),
    acts("mknodat"),
    acts("rename"),
    acts("renameat"),
    acts("renameat2"),
    acts("rmdir"),
    acts("symlink"),
    acts("symlinkat"),
    acts("unlink"),
    acts("unlinkat"),
    // Content and attributes.
    acts("chmod"),
    acts("chown"),
    acts("chown32"),
    acts("fchmod"),
    acts("fchmodat"),
    acts("fchmodat2", everywhere(452)),
    acts("fchown"),
    acts("fchown32"),
    acts("fchownat"),
    acts("file_setattr", everywhere(469)),
    acts("fremovexattr"),
    acts("fsetxattr"),
    acts("futimesat"),
    acts("lchown"),
    acts("lchown32"),
    acts("lremovexattr"),
    acts("lsetxattr"),
    acts("removexattr"),
    acts("removexattrat", everywhere(466)),
    acts("setxattr"),
    acts("setxattrat", everywhere(463)),
    acts("truncate"),
    acts("truncate64"),
    acts("utime"),
    acts("utimensat"),
    acts("utimensat_time64"),
    acts("utimes"),
    // Where paths start, and what they lead to.
    acts("chdir"),
    acts("chroot"),
    acts("fchdir"),
    acts("fsconfig"),
    acts("fsmount"),
    acts("fsopen"),
    acts("fspick"),
    acts("mount"),
    acts("mount_setattr"),
    acts("move_mount"),
    acts("open_tree"),
    acts("open_tree_attr", everywhere(467)),
    acts("pivot_root"),
    acts("quotactl"),
    acts("quotactl_fd"),
    acts("umount"),
    acts("umount2"),
    rights("setns"),
    rights("unshare"),
    acts("fanotify_mark"),
    // Sockets and descriptors from other processes.
    acts("bind"),
    acts("connect"),
    acts("pidfd_getfd"),
    acts("recvmmsg"),
    acts("recvmmsg_time64"),
    acts("recvmsg"),
    acts("sendmmsg"),
    acts("sendmsg"),
    acts("socketcall"),
    {.name = "sendto", .attention = Attention::kActs, .unless = ArgTest{4, kPointer, 0}},
    // Beyond what a tracer of system calls can see: told as gaps.
    acts("finit_module"),
    acts("init_module"),
    acts("io_uring_enter"),
    acts("io_uring_setup"),
    acts("kexec_file_load"),
    // Without call-out information the kernel starts no helper program.
    {.name = "request_key", .attention = Attention::kActs, .unless = ArgTest{2, kPointer, 0}},
    // BPF_OBJ_PIN and BPF_OBJ_GET (6, 7) name paths.
    {.name = "bpf",
     .attention = Attention::kActs,
     .only_if = ArgTest{0, kInt & ~uint64_t{1}, BPF_OBJ_PIN}},
    // No events, but what the task may do afterwards.
    rights("capset"),
    rights("landlock_restrict_self"),
    rights("seccomp"),
    rights("setfsgid"),
    rights("setfsgid32"),
    rights("setfsuid"),
    rights("setfsuid32"),
    rights("setgid"),
    rights("setgid32"),
    rights("setgroups"),
    rights("setgroups32"),
    rights("setregid"),
    rights("setregid32"),
    rights("setresgid"),
    rights("setresgid32"),
    rights("setresuid"),
    rights("setresuid32"),
    rights("setreuid"),
    rights("setreuid32"),
    rights("setuid"),
    rights("setuid32"),
    {.name = "prctl",
     .attention = Attention::kActs,
     .only_if = ArgTest{0, kInt, PR_SET_SECCOMP},
     .changes_rights = true}};
static_assert((BPF_OBJ_PIN | 1) == BPF_OBJ_GET);

struct HeaderNumbers {
  std::string_view name;
  Numbers nr;
};
constexpr HeaderNumbers kHeaderNumbers[] = {
#include "common/syscall/numbers.inc"
};

Numbers numbers(std::string_view name, const Numbers& otherwise) {
  const auto* found = std::ranges::lower_bound(kHeaderNumbers, name, {}, &HeaderNumbers::name);
  const bool known = found != std::end(kHeaderNumbers) && found->name == name;
  return known ? found->nr : otherwise;
}

SyscallRow make_row(const Rule& rule) {
  SyscallRow row{.name = rule.name,
                 .attention = rule.attention,
                 .only_if = rule.only_if,
                 .unless = rule.unless,
                 .asks_if = rule.asks_if,
                 .changes_rights = rule.changes_rights};
  std::ranges::copy(numbers(rule.name, rule.newer_nr), row.nr);
  if (rule.name == "mmap") row.nr[size_t(Abi::kI386)] = -1;
  if (rule.name == "old_mmap") row.nr[size_t(Abi::kI386)] = numbers("mmap", kFromHeaders)[1];
  return row;
}

std::vector<SyscallRow> make_table() {
  std::vector<SyscallRow> rows;
  for (const std::string_view name : kUnwatched) rows.push_back(make_row({.name = name}));
  for (const Rule& rule : kNewerUnwatched) rows.push_back(make_row(rule));
  for (const Rule& rule : kWatched) rows.push_back(make_row(rule));
  std::ranges::sort(rows, {}, &SyscallRow::name);
  return rows;
}

// Rows by number, one array per Abi; gaps are nullptr.
std::array<std::vector<const SyscallRow*>, 3> make_index(std::span<const SyscallRow> rows) {
  std::array<std::vector<const SyscallRow*>, 3> index;
  for (const SyscallRow& row : rows) {
    for (size_t abi = 0; abi < index.size(); ++abi) {
      if (row.nr[abi] < 0) continue;
      const auto nr = size_t(row.nr[abi]);
      if (index[abi].size() <= nr) index[abi].resize(nr + 1, nullptr);
      index[abi][nr] = &row;
    }
  }
  return index;
}

bool holds(const ArgTest& test, std::span<const uint64_t, 6> args) {
  return (args[test.arg] & test.mask) == test.value;
}

}  // namespace

std::span<const SyscallRow> syscall_table() {
  static const std::vector<SyscallRow> kRows = make_table();
  return kRows;
}

const SyscallRow* find_syscall(Abi abi, uint64_t nr) {
  static const auto kIndex = make_index(syscall_table());
  const auto& rows = kIndex[size_t(abi)];
  return nr < rows.size() ? rows[size_t(nr)] : nullptr;
}

const SyscallRow* find_syscall(std::string_view name) {
  const auto rows = syscall_table();
  const auto found = std::ranges::lower_bound(rows, name, {}, &SyscallRow::name);
  return found != rows.end() && found->name == name ? &*found : nullptr;
}

Attention attention(const SyscallRow& row, std::span<const uint64_t, 6> args) {
  if (row.only_if && !holds(*row.only_if, args)) return Attention::kNone;
  if (row.unless && holds(*row.unless, args)) return Attention::kNone;
  if (row.asks_if && holds(*row.asks_if, args)) return Attention::kAsks;
  return row.attention;
}

}  // namespace fptrace
