#include "tests/support/contained_run.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "common/base/exec_pointers.h"
#include "common/base/unique_fd.h"

namespace fptrace::testing {
namespace {

using Clock = std::chrono::steady_clock;

// Everything here runs in forked children of a process with one thread.

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  ::_exit(125);
}

void put_fd(const std::string& path, int flags, int as) {
  const int fd = ::open(path.c_str(), flags, 0666);
  if (fd < 0 || (fd != as && ::dup2(fd, as) < 0)) die(path.c_str());
  if (fd != as) ::close(fd);
}

// `as` is a pipe from now on; a process beside this one writes what comes out of it to `path`.
void put_pipe(const std::string& path, int as) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) die("pipe");
  const pid_t child = ::fork();
  if (child < 0) die("fork");
  if (child == 0) {
    ::signal(SIGHUP, SIG_IGN);
    ::close(ends[1]);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) die(path.c_str());
    char buffer[65536];
    for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      if (::write(file, buffer, size_t(n)) != n) die(path.c_str());
    ::_exit(0);
  }
  ::close(ends[0]);
  if (ends[1] != as && ::dup2(ends[1], as) < 0) die(path.c_str());
  if (ends[1] != as) ::close(ends[1]);
}

void become(const std::string& user) {
  const struct passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) die("getpwnam");
  if (::setgroups(0, nullptr) != 0 || ::setgid(entry->pw_gid) != 0 ||
      ::setuid(entry->pw_uid) != 0) {
    die("setuid");
  }
  // The change of user made this process undumpable, and so untraceable (prctl(2)); an ordinary
  // user's processes are neither.
  if (::prctl(PR_SET_DUMPABLE, 1) != 0) die("prctl");
}

void set_environment(const std::vector<std::string>& env) {
  ::clearenv();
  for (const auto& item : env) {
    const size_t equals = item.find('=');
    ::setenv(item.substr(0, equals).c_str(), item.substr(equals + 1).c_str(), 1);
  }
}

// Exactly stdin, stdout and stderr are open afterwards: a program that looks must find the same
// whoever started the test.
void enter(const ContainedRun& how) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  put_fd(how.input.empty() ? "/dev/null" : how.input, O_RDONLY, 0);
  if (!how.pipes) {
    put_fd(how.output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 1);
    put_fd(how.errors, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 2);
  }
  ::closefrom(3);
  set_environment(how.env);
  for (int signo = 1; signo < NSIG; ++signo) ::signal(signo, SIG_DFL);
  ::umask(022);
  if (!how.user.empty()) become(how.user);
  if (::chdir(how.cwd.c_str()) != 0) die(how.cwd.c_str());
}

// Pids of all processes whose chain of parents leads to this one.
std::set<pid_t> descendants() {
  std::set<pid_t> found{::getpid()};
  for (size_t before = 0; before != found.size();) {
    before = found.size();
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", code)) {
      const pid_t pid = std::atoi(entry.path().filename().c_str());
      std::ifstream stat(entry.path() / "stat");
      std::string text;
      if (pid <= 0 || !std::getline(stat, text)) continue;
      const size_t comm_end = text.rfind(')');
      int parent = 0;
      char state = 0;
      if (comm_end == text.npos) continue;
      if (std::sscanf(text.c_str() + comm_end, ") %c %d", &state, &parent) != 2) continue;
      if (found.contains(parent)) found.insert(pid);
    }
  }
  found.erase(::getpid());
  return found;
}

void kill_descendants() {
  // All stand still before the first one dies, or the others could fork into the place that it
  // leaves; and again until none is left, for one that forked may have been missed.
  for (size_t before = 0, now = 1; before != now;) {
    before = now;
    const auto all = descendants();
    for (const pid_t pid : all) ::kill(pid, SIGSTOP);
    now = all.size();
  }
  // A process that hangs in the kernel cannot be killed, and must not keep us.
  const auto give_up = Clock::now() + std::chrono::seconds(10);
  while (Clock::now() < give_up) {
    for (const pid_t pid : descendants()) ::kill(pid, SIGKILL);
    int status = 0;
    const pid_t got = ::waitpid(-1, &status, WNOHANG);
    if (got < 0 && errno == ECHILD) return;
    if (got == 0) ::usleep(1000);  // killed, not yet dead
  }
}

sigset_t awaited_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, SIGTERM);
  return set;
}

// Reaps every child until none is left; false when `deadline` comes first. `status` gets `main`'s.
bool reap_all(pid_t main, int& status, Clock::time_point deadline) {
  while (true) {
    int one = 0;
    const pid_t got = ::waitpid(-1, &one, WNOHANG);
    if (got < 0 && errno == ECHILD) return true;
    if (got == main) status = one;
    if (got != 0) continue;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    // The signals are blocked: one that came before waits here.
    const sigset_t awaited = awaited_signals();
    const struct timespec wait { left.count() / 1000, (left.count() % 1000) * 1000000 };
    if (::sigtimedwait(&awaited, nullptr, &wait) == SIGTERM) return false;  // the test has died
  }
}

struct Outcome {
  int status = 0;
  bool hung = false;
};

[[noreturn]] void contain(const ContainedRun& how, const std::function<int()>& body, int report) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const sigset_t awaited = awaited_signals();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &awaited, &before);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // whatever kills the test must not leave its programs behind
  const auto deadline = Clock::now() + how.limit;
  if (how.pipes) {
    // Before the main process: these are children of this one, none of the program's.
    put_pipe(how.output, 1);
    put_pipe(how.errors, 2);
  }
  const pid_t main = ::fork();
  if (main < 0) die("fork");
  if (main == 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    enter(how);
    ::exit(body());
  }
  if (how.pipes) {  // or they would have no end
    put_fd("/dev/null", O_WRONLY, 1);
    put_fd("/dev/null", O_WRONLY, 2);
  }
  Outcome outcome;
  if (!reap_all(main, outcome.status, deadline)) {
    outcome.hung = true;
    kill_descendants();
  }
  if (::write(report, &outcome, sizeof outcome) != ssize_t(sizeof outcome)) ::_exit(1);
  ::_exit(0);
}

}  // namespace

Result<RunResult> run_contained(const ContainedRun& how, const std::function<int()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  std::fflush(nullptr);  // or the child would write our buffers again
  const pid_t keeper = ::fork();
  if (keeper < 0) return fail_errno("fork");
  if (keeper == 0) contain(how, body, write_end.get());
  write_end = UniqueFd();
  Outcome outcome;
  const bool told = ::read(read_end.get(), &outcome, sizeof outcome) == ssize_t(sizeof outcome);
  int status = 0;
  while (::waitpid(keeper, &status, 0) < 0 && errno == EINTR) {}
  if (!told) return fail(Errc::kIo, "the process that contains the run died");
  RunResult result;
  result.hung = outcome.hung;
  if (WIFSIGNALED(outcome.status)) {
    result.status.signal = WTERMSIG(outcome.status);
  } else {
    result.status.code = WEXITSTATUS(outcome.status);
  }
  return result;
}

int exec_or_127(const std::vector<std::string>& argv) {
  const std::vector<char*> args = exec_pointers(argv);
  ::execv(args[0], args.data());
  std::fprintf(stderr, "exec %s: %s\n", args[0], std::strerror(errno));
  return 127;
}

}  // namespace fptrace::testing
