#include "frontends/doctor/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include <array>

#include "backends/emu/image/image.h"
#include "common/base/unique_fd.h"

// linux/seccomp.h of Debian 12 (Linux 6.1) is older than these (Linux 6.6).
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace fptrace::doctor {
namespace {

// Runs `attempt` in a child, so that what it does to itself (filters cannot be taken off) ends with
// it. The child's exit status is the result; a death by signal is EFAULT, and a child that hangs,
// which then may be beyond SIGKILL, ETIMEDOUT.
template <class F>
Attempt in_child(F attempt) {
  constexpr int kPatienceMs = 5'000;
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) {
    ::close_range(0, ~0u, 0);  // who reads our output must not wait for a child that hangs
    ::_exit(attempt() & 0xff);
  }
  const UniqueFd ended(int(::syscall(SYS_pidfd_open, child, 0)));
  pollfd news{ended.get(), POLLIN, 0};  // without pidfds it has no descriptor, and is waited for
  if (ended && ::poll(&news, 1, kPatienceMs) == 0) {
    ::kill(child, SIGKILL);
    return ETIMEDOUT;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
}

// A child that waits to be looked at, and is killed and reaped at the end.
class Subject {
 public:
  Subject() {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  ~Subject() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, __WALL) < 0 && errno == EINTR) {}
  }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

Attempt result_of(long returned) { return returned < 0 ? errno : 0; }

void try_tracing(Facts& f) {
  static const uint64_t kMark = 0x66707472616365;  // at the same address in the child
  const Subject subject;
  if (subject.pid() < 0 || ::ptrace(PTRACE_SEIZE, subject.pid(), nullptr, nullptr) < 0) {
    f.trace_child = f.syscall_info = f.read_memory = errno;
    return;
  }
  int status = 0;
  f.trace_child = result_of(::ptrace(PTRACE_INTERRUPT, subject.pid(), nullptr, nullptr));
  if (f.trace_child == 0) f.trace_child = result_of(::waitpid(subject.pid(), &status, __WALL));

  __ptrace_syscall_info info{};
  f.syscall_info = result_of(::ptrace(PTRACE_GET_SYSCALL_INFO, subject.pid(), sizeof info, &info));
  uint64_t copy = 0;
  const iovec local{&copy, sizeof copy};
  const iovec remote{const_cast<uint64_t*>(&kMark), sizeof kMark};
  f.read_memory = result_of(::process_vm_readv(subject.pid(), &local, 1, &remote, 1, 0));
  if (f.read_memory == 0 && copy != kMark) f.read_memory = EIO;
}

// Installs a filter that allows everything. Returns what seccomp(2) does.
long install_filter(bool no_new_privs, unsigned flags) {
  if (no_new_privs) ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program{1, &allow};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

void try_seccomp(Facts& f) {
  f.filter = in_child([] { return result_of(install_filter(true, 0)); });
  if (f.filter == ETIMEDOUT) {  // so would all others, and each leave a process behind
    f.filter_with_privileges = f.notifications = f.sync_wake_up = ETIMEDOUT;
    return;
  }
  f.filter_with_privileges = in_child([] { return result_of(install_filter(false, 0)); });
  f.notifications =
      in_child([] { return result_of(install_filter(true, SECCOMP_FILTER_FLAG_NEW_LISTENER)); });
  f.sync_wake_up = in_child([] {
    const long listener = install_filter(true, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (listener < 0) return errno;
    return result_of(
        ::ioctl(int(listener), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP));
  });
}

Attempt try_ia32_call() {
#ifdef __x86_64__
  return in_child([] {
    long r = 20;  // getpid in the i386 table; without IA32 emulation a SIGSEGV
    asm volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
    return r == ::getpid() ? 0 : ENOSYS;
  });
#else
  return ENOSYS;
#endif
}

void look_at_files(Facts& f, const std::string& output_dir) {
  f.ia32_loader = ::access("/lib/ld-linux.so.2", X_OK) == 0;
  f.package_database = result_of(::access("/var/lib/dpkg/status", R_OK));
  f.output_dir = output_dir;
  f.output_writable = result_of(::access(output_dir.c_str(), W_OK | X_OK));
  struct statvfs fs {};
  if (::statvfs(output_dir.c_str(), &fs) == 0) f.output_free = uint64_t(fs.f_bavail) * fs.f_frsize;
}

void collect_emulator_facts(Facts& f) {
  const auto qemu = emu::find_qemu();
  if (!qemu) {
    f.qemu_trouble = qemu.error().what;
    return;
  }
  f.qemu = "QEMU " + to_string(qemu->version) + ", " + qemu->path;
  if (const auto tool = emu::find_in_path("qemu-img"); !tool)
    f.tools_trouble = tool.error().what + "; install qemu-utils";
  if (const auto tool = emu::find_in_path("mke2fs"); !tool)
    f.tools_trouble = tool.error().what + "; install e2fsprogs";
  const auto images = emu::list_images();
  if (!images) {
    f.image_trouble = images.error().what;
    return;
  }
  for (const auto& image : *images)
    if (image.name == emu::BuildOptions().name && image.recipe == emu::recipe(*qemu))
      f.image = "Linux " + image.kernel_release + (image.has_btf ? " with BTF" : " without BTF");
}

}  // namespace

Facts collect_facts(const std::string& output_dir) {
  Facts f;
  utsname host{};
  ::uname(&host);
  f.kernel = host.release;
  f.machine = host.machine;
  f.rights = tracing_rights();
  try_tracing(f);
  try_seccomp(f);
  f.ia32_calls = try_ia32_call();
  look_at_files(f, output_dir);
  collect_emulator_facts(f);
  f.libraries = std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING) + ", zstd " +
                ZSTD_versionString();
  return f;
}

}  // namespace fptrace::doctor
