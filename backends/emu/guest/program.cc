#include "backends/emu/guest/program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "backends/emu/guest/marker.h"
#include "backends/emu/guest/syscalls.h"
#include "common/base/exec_pointers.h"

namespace fptrace::emu {
namespace {

struct Pipe {
  int read = -1, write = -1;
};

Pipe make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) give_up_errno("cannot make a pipe");
  return {fds[0], fds[1]};
}

// Signal N of the set.
bool contains(uint64_t set, int signal) { return (set >> (signal - 1) & 1) != 0; }

void set_signals(const Job& job) {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (int s = 1; s <= SIGRTMAX; ++s) {
    ::signal(s, contains(job.ignored_signals, s) ? SIG_IGN : SIG_DFL);
    if (contains(job.blocked_signals, s)) ::sigaddset(&blocked, s);
  }
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

// Before the change of user: what init may, the caller need not.
void drop_bounding_set(const Job& job) {
  for (unsigned long cap = 0; cap < 64; ++cap)
    if ((job.capabilities.bounding >> cap & 1) == 0) (void)::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  (void)::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

// After it. The guest's kernel may know fewer capabilities, or the caller's more than it may pass
// on here; nothing is lost by that.
void take_capabilities(const Job& job) {
  const auto& all = job.capabilities;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (unsigned i = 0; i < 2; ++i)
    data[i] = {uint32_t(all.effective >> 32 * i), uint32_t(all.permitted >> 32 * i),
               uint32_t(all.inheritable >> 32 * i)};
  if (::syscall(SYS_capset, &header, data) < 0) give_up_errno("cannot set capabilities");
  for (unsigned long cap = 0; cap < 64; ++cap)
    if ((all.ambient >> cap & 1) != 0)
      (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
  if (job.no_new_privs) (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// What of this fails is the caller's own state, which a guest can always have; init's is not.
void become(const Job& job) {
  ::setsid();
  (void)::setpriority(PRIO_PROCESS, 0, job.nice);
  for (const auto& l : job.limits) {
    const rlimit limit{l.soft, l.hard};
    (void)::setrlimit(__rlimit_resource_t(l.resource), &limit);
  }
  if (::chdir(job.cwd.c_str()) < 0) give_up_errno("cannot change to " + job.cwd);
  ::umask(mode_t(job.umask));
  drop_bounding_set(job);
  if (::setgroups(job.groups.size(), job.groups.data()) < 0 ||
      ::setresgid(job.gid, job.gid, job.gid) < 0 || ::setresuid(job.uid, job.uid, job.uid) < 0)
    give_up_errno("cannot become user " + std::to_string(job.uid));
  take_capabilities(job);
  set_signals(job);
}

int open_input(const Job& job) {
  if (job.input == Job::Input::kNull) return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int fd = ::open(job.input_file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) give_up_errno("cannot open " + job.input_file);
  if (::lseek(fd, off_t(job.input_offset), SEEK_SET) < 0)
    give_up_errno("cannot seek in " + job.input_file);
  return fd;
}

// `from` is above 2, and has its close-on-exec flag dropped by dup2.
void install(int from, int to) {
  if (::dup2(from, to) < 0) give_up_errno("cannot set up a standard stream");
}

}  // namespace

Program start_program(const Job& job) {
  const bool streamed = job.input == Job::Input::kStream, closed = job.input == Job::Input::kClosed;
  Pipe input;
  if (streamed) {
    input = make_pipe();
  } else if (!closed) {
    input.read = open_input(job);
  }
  const Pipe output = make_pipe(), error = job.one_output ? Pipe{} : make_pipe();
  const Pipe exec_error = make_pipe();
  const auto argv = exec_pointers(job.argv), env = exec_pointers(job.env);

  const pid_t pid = ::fork();
  if (pid < 0) give_up_errno("cannot fork");
  if (pid == 0) {
    become(job);
    install(output.write, STDOUT_FILENO);
    install(job.one_output ? output.write : error.write, STDERR_FILENO);
    if (closed) {
      ::close(STDIN_FILENO);
    } else {
      install(input.read, STDIN_FILENO);
    }
    mark(Marker::kProgramBegins, uint64_t(::getpid()));
    ::execve(job.program.c_str(), argv.data(), env.data());
    const int error_number = errno;
    (void)!::write(exec_error.write, &error_number, sizeof error_number);
    ::_exit(127);
  }
  for (const int fd : {input.read, output.write, error.write, exec_error.write})
    if (fd >= 0) ::close(fd);
  for (const int fd : {input.write, output.read, error.read})
    if (fd >= 0) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return {pid, input.write, output.read, error.read, exec_error.read};
}

}  // namespace fptrace::emu
