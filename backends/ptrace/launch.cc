#include "backends/ptrace/launch.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <system_error>

#include "backends/ptrace/seccomp_filter.h"
#include "common/base/block_all_signals.h"
#include "common/base/exec_pointers.h"
#include "common/proc/tracing_rights.h"

extern char** environ;

namespace fptrace::ptrace {
namespace {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("pipe");
  // Above 2: the child may have been started with its standard descriptors closed.
  for (int& fd : fds) {
    if (fd > 2) continue;
    const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (high < 0) return fail_errno("fcntl(F_DUPFD)");
    ::close(fd);
    fd = high;
  }
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// CAP_SYS_ADMIN lets us install a filter without no_new_privs.
bool may_filter_freely() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) < 0) return false;
  return (data[0].effective & (1u << CAP_SYS_ADMIN)) != 0 ||
         ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

// What the child needs; prepared before fork, because between fork and exec it may call nothing
// but plain system calls (other threads of ours may have held any lock).
struct ChildPlan {
  const char* path;
  char* const* argv;
  const std::vector<sock_filter>*notify, *trace;  // null: do not try
  bool no_new_privs;
  int go, report, exec_error;
  const Signals* signals;
};

// What the child tells the tracer once its filter stands.
struct Report {
  Stops stops;
  int listener;
};

bool read_byte(int fd) {
  char byte;
  ssize_t n;
  while ((n = ::read(fd, &byte, 1)) < 0 && errno == EINTR) {}
  return n == 1;
}

// In the child. A listener is refused with EBUSY where an outer one exists already; a filter of
// ours would then be overruled by the outer one, so only plain stops see everything.
Report install(const ChildPlan& plan) {
  if (plan.notify) {
    const int listener =
        install_filter(plan.notify->data(), plan.notify->size(), Watch::kNotify, plan.no_new_privs);
    if (listener >= 0) return {Stops::kNotify, listener};
    if (listener == -EBUSY) return {Stops::kSyscall, -1};
  }
  if (plan.trace &&
      install_filter(plan.trace->data(), plan.trace->size(), Watch::kTrace, plan.no_new_privs) == 0)
    return {Stops::kFilter, -1};
  return {Stops::kSyscall, -1};
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  if (!read_byte(plan.go)) ::_exit(125);  // the tracer gave up
  const Report report = install(plan);
  if (::write(plan.report, &report, sizeof report) != ssize_t(sizeof report)) ::_exit(125);
  if (!read_byte(plan.go)) ::_exit(125);
  if (report.listener >= 0) ::close(report.listener);
  plan.signals->restore_dispositions();
  ::sigprocmask(SIG_SETMASK, &plan.signals->original_mask(), nullptr);
  ::execve(plan.path, plan.argv, environ);
  const int error = errno;
  (void)!::write(plan.exec_error, &error, sizeof error);
  ::_exit(127);
}

Result<UniqueFd> take_listener(pid_t child, int number) {
  const UniqueFd pidfd(int(::syscall(SYS_pidfd_open, child, 0)));
  if (!pidfd) return fail_errno("pidfd_open");
  UniqueFd listener(int(::syscall(SYS_pidfd_getfd, pidfd.get(), number, 0)));
  if (!listener) return fail_errno("pidfd_getfd of the seccomp listener");
  return listener;
}

void write_byte(int fd) { (void)!::write(fd, "g", 1); }

// A filter stands within a millisecond, or never: Linux 6.18 can deadlock in freeing filters (the
// holder of bpf's pack_mutex waits for work that is queued behind a full queue of its waiters), and
// then nothing brings a caller of seccomp(2) back, not even SIGKILL.
constexpr int kInstallMs = 5'000;

bool arrives(int fd, int timeout_ms) {
  pollfd news{fd, POLLIN, 0};
  int n;
  while ((n = ::poll(&news, 1, timeout_ms)) < 0 && errno == EINTR) {}
  return n > 0;
}

// Fails with kUnsupported when the child hangs in the kernel.
Result<Launched> shake_hands(pid_t child, const Pipe& go, const Pipe& report,
                             unsigned long options) {
  write_byte(go.write.get());
  if (!arrives(report.read.get(), kInstallMs))
    return fail(Errc::kUnsupported, "this kernel does not come back from seccomp(2), process " +
                                        std::to_string(child) + " hangs in it until the next boot");
  Report r{};
  ssize_t n;
  while ((n = ::read(report.read.get(), &r, sizeof r)) < 0 && errno == EINTR) {}
  if (n != ssize_t(sizeof r)) return fail(Errc::kTracee, "the child ended before it could start");
  // Only where it is ours: a filter of the program's own that asks for a tracer must find none.
  if (r.stops == Stops::kFilter) options |= PTRACE_O_TRACESECCOMP;
  if (::ptrace(PTRACE_SEIZE, child, nullptr, options) < 0) {
    const int error = errno;
    return fail(Errc::kPermission,
                "fptrace may not trace a child of its own: " +
                    why_not_trace(tracing_rights(), Tracee::kOwnChild),
                error);
  }
  Launched launched;
  launched.pid = child;
  launched.stops = r.stops;
  if (r.listener >= 0) {
    auto listener = take_listener(child, r.listener);
    if (!listener) return fail(listener.error());
    launched.listener = *std::move(listener);
  }
  // A seized task runs on; only from a stop can it be told to stop at its system calls.
  if (r.stops == Stops::kSyscall) (void)::ptrace(PTRACE_INTERRUPT, child, nullptr, nullptr);
  write_byte(go.write.get());
  return launched;
}

// As launch(), with `wanted` or less.
Result<Launched> start(const std::string& path, const std::vector<std::string>& argv, Stops wanted,
                       bool no_new_privs, unsigned long ptrace_options, const Signals& signals) {
  auto go = make_pipe(), report = make_pipe(), exec_error = make_pipe();
  for (const auto* p : {&go, &report, &exec_error})
    if (!*p) return fail(p->error());
  const std::vector<char*> args = exec_pointers(argv);
  std::vector<sock_filter> notify, trace;
  if (wanted == Stops::kAuto || wanted == Stops::kNotify) notify = make_filter(Watch::kNotify);
  if (wanted != Stops::kSyscall) trace = make_filter(Watch::kTrace);
  const ChildPlan plan{path.c_str(),
                       args.data(),
                       notify.empty() ? nullptr : &notify,
                       trace.empty() ? nullptr : &trace,
                       no_new_privs,
                       go->read.get(),
                       report->write.get(),
                       exec_error->write.get(),
                       &signals};

  std::optional<BlockAllSignals> block(std::in_place);  // nothing may stop it before it is ours
  const pid_t child = ::fork();
  if (child == 0) {
    go->write = UniqueFd();  // else it would never see the tracer go
    run_child(plan);
  }
  const int fork_error = errno;
  block.reset();
  if (child < 0) return fail_errno("fork", fork_error);
  report->write = UniqueFd();
  exec_error->write = UniqueFd();

  auto launched = shake_hands(child, *go, *report, ptrace_options);
  if (!launched) {
    const bool hangs = launched.error().code == Errc::kUnsupported;
    ::kill(child, SIGKILL);
    (void)::waitpid(child, nullptr, __WALL | (hangs ? WNOHANG : 0));
    return fail(launched.error());
  }
  launched->exec_error = std::move(exec_error->read);
  return launched;
}

}  // namespace

Result<Launched> launch(const std::string& path, const std::vector<std::string>& argv, Stops wanted,
                        unsigned long ptrace_options, const Signals& signals,
                        const std::function<void(const std::string&)>& warn) {
  const bool no_new_privs = wanted != Stops::kSyscall && !may_filter_freely();
  auto launched = start(path, argv, wanted, no_new_privs, ptrace_options, signals);
  if (!launched && launched.error().code == Errc::kUnsupported) {
    if (warn) warn(launched.error().what + "; tracing goes on with plain stops, which are slower");
    return start(path, argv, Stops::kSyscall, false, ptrace_options, signals);
  }
  if (launched && no_new_privs && launched->stops != Stops::kSyscall && warn)
    warn(
        "without CAP_SYS_ADMIN the program runs with no_new_privs set, which the kernel wants for "
        "the filter (--stops syscall does without, more slowly)");
  return launched;
}

}  // namespace fptrace::ptrace
