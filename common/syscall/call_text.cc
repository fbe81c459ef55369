#include "common/syscall/call_text.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <unordered_map>

#include "common/syscall/arguments.h"

namespace fptrace {
namespace {

// One letter an argument, after section 2 of the manual:
//   d int   u unsigned   x flags   p address   f descriptor   D directory's descriptor
//   s string   S list of strings   E the same, counted only   o mode   O flags of open   g signal
//   W bytes to be read, as many as the next argument says   R bytes written, as many as the result
// and in front of a blank what the call returns, if that is no number: p.
constexpr std::pair<std::string_view, std::string_view> kSignatures[] = {
    {"read", "fRu"},
    {"write", "fWu"},
    {"open", "sOo"},
    {"close", "f"},
    {"stat", "sp"},
    {"fstat", "fp"},
    {"lstat", "sp"},
    {"poll", "pud"},
    {"lseek", "fdd"},
    {"mmap", "p puxxfx"},
    {"mmap2", "p puxxfx"},
    {"mprotect", "pux"},
    {"munmap", "pu"},
    {"brk", "p p"},
    {"rt_sigaction", "gppu"},
    {"rt_sigprocmask", "dppu"},
    {"rt_sigreturn", ""},
    {"rt_sigsuspend", "pu"},
    {"rt_sigpending", "pu"},
    {"sigaltstack", "pp"},
    {"ioctl", "fxp"},
    {"pread64", "fRuu"},
    {"pwrite64", "fWuu"},
    {"readv", "fpd"},
    {"writev", "fpd"},
    {"preadv", "fpdu"},
    {"pwritev", "fpdu"},
    {"access", "so"},
    {"pipe", "p"},
    {"pipe2", "pO"},
    {"select", "dpppp"},
    {"pselect6", "dppppp"},
    {"ppoll", "puppu"},
    {"sched_yield", ""},
    {"mremap", "p puuxp"},
    {"msync", "pux"},
    {"mincore", "pup"},
    {"madvise", "pud"},
    {"dup", "f"},
    {"dup2", "ff"},
    {"dup3", "ffO"},
    {"pause", ""},
    {"nanosleep", "pp"},
    {"clock_nanosleep", "ddpp"},
    {"clock_gettime", "dp"},
    {"clock_getres", "dp"},
    {"gettimeofday", "pp"},
    {"time", "p"},
    {"alarm", "u"},
    {"setitimer", "dpp"},
    {"getitimer", "dp"},
    {"getpid", ""},
    {"gettid", ""},
    {"getppid", ""},
    {"getuid", ""},
    {"geteuid", ""},
    {"getgid", ""},
    {"getegid", ""},
    {"getpgrp", ""},
    {"getpgid", "d"},
    {"getsid", "d"},
    {"setsid", ""},
    {"setpgid", "dd"},
    {"setuid", "u"},
    {"setgid", "u"},
    {"setreuid", "dd"},
    {"setregid", "dd"},
    {"setresuid", "ddd"},
    {"setresgid", "ddd"},
    {"getresuid", "ppp"},
    {"getresgid", "ppp"},
    {"getgroups", "dp"},
    {"setgroups", "up"},
    {"sendfile", "ffpu"},
    {"socket", "dxd"},
    {"connect", "fpu"},
    {"accept", "fpp"},
    {"accept4", "fppx"},
    {"sendto", "fWuxpu"},
    {"recvfrom", "fRuxpp"},
    {"sendmsg", "fpx"},
    {"recvmsg", "fpx"},
    {"shutdown", "fd"},
    {"bind", "fpu"},
    {"listen", "fd"},
    {"getsockname", "fpp"},
    {"getpeername", "fpp"},
    {"socketpair", "dxdp"},
    {"setsockopt", "fddpu"},
    {"getsockopt", "fddpp"},
    {"clone", "xpppx"},
    {"clone3", "pu"},
    {"fork", ""},
    {"vfork", ""},
    {"execve", "sSE"},
    {"execveat", "DsSEx"},
    {"exit", "d"},
    {"exit_group", "d"},
    {"wait4", "dpxp"},
    {"waitid", "ddpxp"},
    {"kill", "dg"},
    {"tkill", "dg"},
    {"tgkill", "ddg"},
    {"uname", "p"},
    {"fcntl", "fdx"},
    {"flock", "fx"},
    {"fsync", "f"},
    {"fdatasync", "f"},
    {"sync", ""},
    {"truncate", "su"},
    {"ftruncate", "fu"},
    {"fallocate", "fxuu"},
    {"getdents", "fpu"},
    {"getdents64", "fpu"},
    {"getcwd", "Ru"},
    {"chdir", "s"},
    {"fchdir", "f"},
    {"rename", "ss"},
    {"renameat", "DsDs"},
    {"renameat2", "DsDsx"},
    {"mkdir", "so"},
    {"mkdirat", "Dso"},
    {"rmdir", "s"},
    {"creat", "so"},
    {"link", "ss"},
    {"linkat", "DsDsx"},
    {"unlink", "s"},
    {"unlinkat", "Dsx"},
    {"symlink", "ss"},
    {"symlinkat", "sDs"},
    {"readlink", "sRu"},
    {"readlinkat", "DsRu"},
    {"chmod", "so"},
    {"fchmod", "fo"},
    {"fchmodat", "Dso"},
    {"chown", "sdd"},
    {"fchown", "fdd"},
    {"lchown", "sdd"},
    {"fchownat", "Dsddx"},
    {"umask", "o"},
    {"getrlimit", "dp"},
    {"setrlimit", "dp"},
    {"prlimit64", "ddpp"},
    {"getrusage", "dp"},
    {"sysinfo", "p"},
    {"times", "p"},
    {"ptrace", "xdpp"},
    {"prctl", "dxxxx"},
    {"arch_prctl", "xp"},
    {"statfs", "sp"},
    {"fstatfs", "fp"},
    {"mknod", "sox"},
    {"mknodat", "Dsox"},
    {"mount", "sssxp"},
    {"umount2", "sx"},
    {"chroot", "s"},
    {"pivot_root", "ss"},
    {"sethostname", "Wu"},
    {"futex", "pddppd"},
    {"set_tid_address", "p"},
    {"set_robust_list", "pu"},
    {"get_robust_list", "dpp"},
    {"rseq", "puxx"},
    {"sched_getaffinity", "dup"},
    {"sched_setaffinity", "dup"},
    {"epoll_create", "d"},
    {"epoll_create1", "x"},
    {"epoll_ctl", "fdfp"},
    {"epoll_wait", "fpdd"},
    {"epoll_pwait", "fpddpu"},
    {"eventfd", "u"},
    {"eventfd2", "ux"},
    {"signalfd4", "fpux"},
    {"timerfd_create", "dx"},
    {"timerfd_settime", "fxpp"},
    {"inotify_init1", "x"},
    {"inotify_add_watch", "fsx"},
    {"inotify_rm_watch", "fd"},
    {"openat", "DsOo"},
    {"openat2", "Dspu"},
    {"newfstatat", "Dspx"},
    {"statx", "Dsxxp"},
    {"faccessat", "Dso"},
    {"faccessat2", "Dsox"},
    {"utimensat", "Dspx"},
    {"utime", "sp"},
    {"utimes", "sp"},
    {"splice", "fpfpux"},
    {"tee", "ffux"},
    {"copy_file_range", "fpfpux"},
    {"getrandom", "Rux"},
    {"memfd_create", "sx"},
    {"unshare", "x"},
    {"setns", "fx"},
    {"close_range", "uux"},
    {"pidfd_open", "dx"},
    {"pidfd_send_signal", "fgpx"},
    {"pidfd_getfd", "ffx"},
    {"getxattr", "sspu"},
    {"lgetxattr", "sspu"},
    {"fgetxattr", "fspu"},
    {"setxattr", "ssWux"},
    {"listxattr", "spu"},
    {"capget", "pp"},
    {"capset", "pp"},
    {"seccomp", "dxp"},
    {"fadvise64", "fuud"},
    {"readahead", "fuu"},
    {"getpriority", "dd"},
    {"setpriority", "ddd"},
    {"sched_getparam", "dp"},
    {"sched_getscheduler", "d"},
    {"membarrier", "dxd"},
};

std::string_view signature(std::string_view name) {
  static const std::unordered_map<std::string_view, std::string_view> kAll(std::begin(kSignatures),
                                                                           std::end(kSignatures));
  const auto it = kAll.find(name);
  return it == kAll.end() ? std::string_view("xxxxxx") : it->second;
}
bool returns_address(std::string_view signature) { return signature.starts_with("p "); }
std::string_view arguments_of(std::string_view signature) {
  return returns_address(signature) ? signature.substr(2) : signature;
}

std::string format(const char* how, unsigned long long value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), how, value);
  return text.data();
}

// In C's way, so that the line stays one.
std::string quoted(std::string_view bytes, bool more) {
  std::string out = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20 || byte >= 0x7f)
      out += format("\\x%02llx", byte);
    else
      out += c;
  }
  return out + (more ? "\"..." : "\"");
}

std::string address(uint64_t value) { return value == 0 ? "NULL" : format("0x%llx", value); }

std::string string_at(TaskView& task, uint64_t addr, size_t most) {
  if (addr == 0) return "NULL";
  const MemoryString s = read_string(task, addr, most + 1);
  if (!s.readable) return address(addr);
  return quoted(std::string_view(s.text).substr(0, most), s.text.size() > most);
}

std::string bytes_at(TaskView& task, uint64_t addr, uint64_t size, size_t most) {
  std::string bytes(size_t(std::min<uint64_t>(size, most)), '\0');
  if (addr == 0 || task.read_memory(addr, bytes.data(), bytes.size()) != bytes.size())
    return address(addr);
  return quoted(bytes, size > most);
}

std::string list_at(TaskView& task, uint64_t addr, bool narrow, bool count_only, size_t most) {
  constexpr int kMostShown = 32, kMostCounted = 4096;
  if (addr == 0) return "NULL";
  std::string out = "[";
  int count = 0;
  for (; count < (count_only ? kMostCounted : kMostShown); ++count) {
    const auto item = read_word(task, addr + uint64_t(count) * (narrow ? 4 : 8), narrow);
    if (!item) return address(addr);
    if (*item == 0) return count_only ? "[" + std::to_string(count) + " strings]" : out + "]";
    if (!count_only) out += (count == 0 ? "" : ", ") + string_at(task, *item, most);
  }
  return out + ", ...]";
}

std::string open_flags(uint32_t flags) {
  static constexpr std::pair<uint32_t, const char*> kNames[] = {
      {O_CREAT, "O_CREAT"},     {O_EXCL, "O_EXCL"},           {O_NOCTTY, "O_NOCTTY"},
      {O_TRUNC, "O_TRUNC"},     {O_APPEND, "O_APPEND"},       {O_NONBLOCK, "O_NONBLOCK"},
      {O_SYNC, "O_SYNC"},       {O_DSYNC, "O_DSYNC"},         {O_DIRECT, "O_DIRECT"},
      {O_TMPFILE, "O_TMPFILE"}, {O_DIRECTORY, "O_DIRECTORY"}, {O_NOFOLLOW, "O_NOFOLLOW"},
      {O_NOATIME, "O_NOATIME"}, {O_CLOEXEC, "O_CLOEXEC"},     {O_PATH, "O_PATH"}};
  constexpr uint32_t kLargeFile = 0100000;  // O_LARGEFILE, which libc has as 0
  static constexpr std::array<const char*, 4> kAccess = {"O_RDONLY", "O_WRONLY", "O_RDWR", "3"};
  std::string out = kAccess[flags & O_ACCMODE];
  flags &= ~uint32_t(O_ACCMODE) & ~kLargeFile;
  for (const auto& [bits, name] : kNames) {
    if ((flags & bits) != bits) continue;
    (out += '|') += name;
    flags &= ~bits;
  }
  return flags == 0 ? out : out + "|" + format("0x%llx", flags);
}

std::string signal_name(int number) {
  const char* const name = ::sigabbrev_np(number);
  return name != nullptr ? std::string("SIG") + name : std::to_string(number);
}

std::string argument(TaskView& task, const Arguments& args, std::string_view letters, int i,
                     size_t most) {
  const uint64_t word = args.word(i);
  switch (letters[size_t(i)]) {
    case 'd':
    case 'f':
      return std::to_string(args.i32(i));
    case 'D':
      return args.i32(i) == AT_FDCWD ? "AT_FDCWD" : std::to_string(args.i32(i));
    case 'u':
      return std::to_string(word);
    case 's':
      return string_at(task, word, most);
    case 'S':
      return list_at(task, word, args.narrow(), false, most);
    case 'E':
      return list_at(task, word, args.narrow(), true, most);
    case 'o':
      return format("0%llo", args.u32(i));
    case 'O':
      return open_flags(args.u32(i));
    case 'g':
      return signal_name(args.i32(i));
    case 'W':
      return bytes_at(task, word, args.word(i + 1), most);
    case 'p':
    case 'R':
      return address(word);
    default:
      return format("0x%llx", word);
  }
}

// open's mode counts only when it makes a file.
bool is_used(std::string_view name, const Arguments& args, int i) {
  const int flags = name == "open" ? 1 : name == "openat" ? 2 : -1;
  if (flags < 0 || i != flags + 1) return true;
  constexpr uint32_t kMakes = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
  return (args.u32(flags) & kMakes) != 0;
}

}  // namespace

CallText call_text(TaskView& task, const SyscallCall& call, size_t most) {
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  CallText out;
  out.name = row ? std::string(row->name) : "syscall_" + std::to_string(call.nr);
  out.returns = out.name != "exit" && out.name != "exit_group";
  const std::string_view letters = arguments_of(signature(out.name));
  const Arguments args(call);
  for (int i = 0; i < int(letters.size()); ++i)
    if (is_used(out.name, args, i)) out.args.push_back(argument(task, args, letters, i, most));
  return out;
}

void add_results(TaskView& task, const SyscallCall& call, int64_t result, CallText& text,
                 size_t most) {
  const std::string_view letters = arguments_of(signature(text.name));
  const size_t at = letters.find('R');
  if (result <= 0 || at == letters.npos || at >= text.args.size()) return;
  text.args[at] = bytes_at(task, Arguments(call).word(int(at)), uint64_t(result), most);
}

std::string result_text(const SyscallCall& call, int64_t result) {
  constexpr int64_t kLastError = -4095;
  if (result < 0 && result >= kLastError) {
    const char* const name = ::strerrorname_np(int(-result));
    return "-1 " + (name != nullptr ? std::string(name) : std::to_string(-result));
  }
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  return row && returns_address(signature(row->name)) ? address(uint64_t(result))
                                                      : std::to_string(result);
}

}  // namespace fptrace
