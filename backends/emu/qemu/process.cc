#include "backends/emu/qemu/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>

#include "common/base/block_all_signals.h"
#include "common/base/exec_pointers.h"

namespace fptrace::emu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// The name of the state that is saved in MachineFiles::state.
constexpr char kStateName[] = "booted";
constexpr seconds kStateTime{60};

// Memory that is a shared file is neither written to a state nor read from one. Else every page of
// it is looked at, and so made, even where the guest never was.
Result<void> leave_memory_out(Qmp& qmp, Qmp::Deadline deadline) {
  auto set =
      qmp.execute("migrate-set-capabilities",
                  R"({"capabilities":[{"capability":"x-ignore-shared","state":true}]})", deadline);
  if (!set) return fail(set.error());
  return {};
}

struct Ends {
  UniqueFd ours, its;
};

Result<Ends> make_pipe(bool to_us) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("pipe");
  Ends ends{UniqueFd(fds[to_us ? 0 : 1]), UniqueFd(fds[to_us ? 1 : 0])};
  if (::fcntl(ends.ours.get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("fcntl");
  // Best effort: a program that prints much waits less often.
  if (to_us) (void)::fcntl(ends.ours.get(), F_SETPIPE_SZ, 1 << 20);
  return ends;
}

Result<Ends> make_socket() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return fail_errno("socketpair");
  return Ends{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// Between fork and exec: plain system calls only.
[[noreturn]] void run_child(char* const* argv, pid_t parent, int log,
                            const std::array<int, 3>& keep) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(125);  // it was too late for that
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  for (const int fd : keep) ::fcntl(fd, F_SETFD, 0);
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(argv[0], argv);
  ::_exit(127);
}

}  // namespace

std::string last_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line, last;
  while (std::getline(file, line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) last = line;
  }
  return last;
}

Result<std::unique_ptr<QemuProcess>> QemuProcess::start(const Qemu& qemu, const Machine& machine,
                                                        const MachineFiles& files, Launch launch,
                                                        const std::string& log) {
  auto to_guest = make_pipe(false), from_guest = make_pipe(true), qmp = make_socket();
  for (const auto* ends : {&to_guest, &from_guest, &qmp})
    if (!*ends) return fail(ends->error());
  const UniqueFd log_fd(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!log_fd) return fail_errno("open " + log);
  const std::array<int, 3> keep{to_guest->its.get(), from_guest->its.get(), qmp->its.get()};
  launch.to_guest = keep[0];
  launch.from_guest = keep[1];
  launch.qmp = keep[2];
  auto argv = command_line(machine, files, launch);
  argv.insert(argv.begin(), qemu.path);
  const std::vector<char*> args = exec_pointers(argv);

  const pid_t parent = ::getpid();
  std::optional<BlockAllSignals> block(std::in_place);  // no handler of ours may run in the child
  const pid_t pid = ::fork();
  if (pid == 0) run_child(args.data(), parent, log_fd.get(), keep);
  const int error = errno;
  block.reset();
  if (pid < 0) return fail_errno("fork", error);
  std::unique_ptr<QemuProcess> process(new QemuProcess(
      pid, std::move(qmp->ours), std::move(to_guest->ours), std::move(from_guest->ours), log));
  // What it inherited is closed here, so that its end is seen.
  for (auto* ends : {&*to_guest, &*from_guest, &*qmp}) ends->its = UniqueFd();
  if (auto ok = process->qmp_.greet(steady_clock::now() + seconds(300)); !ok)
    return fail(Errc::kBackend, "QEMU did not start: " + process->obituary());
  process->same_processor_.emplace(pid);
  return process;
}

bool QemuProcess::wait(Qmp::Deadline deadline) {
  if (pid_ < 0) return true;
  const UniqueFd pidfd(int(::syscall(SYS_pidfd_open, pid_, 0)));
  for (;;) {
    const pid_t done = ::waitpid(pid_, &status_, WNOHANG);
    if (done == pid_ || (done < 0 && errno == ECHILD)) {
      pid_ = -1;
      return true;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd p{pidfd.get(), POLLIN, 0};
    (void)::poll(&p, 1, int(std::min<int64_t>(left, 1000)));
  }
}

QemuProcess::~QemuProcess() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  (void)wait(steady_clock::now() + seconds(60));
}

Result<void> QemuProcess::save_state() {
  const auto deadline = steady_clock::now() + kStateTime;
  if (auto ok = leave_memory_out(qmp_, deadline); !ok) return ok;
  for (;;) {
    auto stopped = qmp_.execute("stop", "", deadline);
    if (!stopped) return fail(stopped.error());
    auto saved = qmp_.human(std::string("savevm ") + kStateName, deadline);
    // While something waits to get into the log (migration/savevm.c in QEMU); it does when the
    // machine runs.
    if (saved || saved.error().what.find("right now") == std::string::npos ||
        steady_clock::now() > deadline)
      return saved;
    auto going = qmp_.execute("cont", "", deadline);
    if (!going) return fail(going.error());
    std::this_thread::sleep_for(milliseconds(10));
  }
}

Result<void> QemuProcess::restore_state() {
  const auto deadline = steady_clock::now() + kStateTime;
  if (auto ok = leave_memory_out(qmp_, deadline); !ok) return ok;
  auto restored = qmp_.human(std::string("loadvm ") + kStateName, deadline);
  if (restored || !wait(steady_clock::now() + milliseconds(100))) return restored;
  return fail(Errc::kBackend, "QEMU ended when the machine's state was restored: " + obituary());
}

Result<void> QemuProcess::quit() {
  const auto deadline = steady_clock::now() + seconds(30);
  auto asked = qmp_.execute("quit", "", deadline);
  // It may be gone before its answer is.
  if (!wait(deadline)) return fail(Errc::kBackend, "QEMU does not end when it is told to");
  if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0)
    return fail(Errc::kBackend, "QEMU failed at its end: " + obituary());
  return {};
}

std::string QemuProcess::obituary() {
  if (!wait(steady_clock::now() + seconds(5))) {
    ::kill(pid_, SIGKILL);
    (void)wait(steady_clock::now() + seconds(30));
  }
  if (std::string said = last_line_of(log_); !said.empty()) return said;
  if (WIFSIGNALED(status_)) return std::string("it was ended by ") + ::strsignal(WTERMSIG(status_));
  return "it ended with code " + std::to_string(WEXITSTATUS(status_));
}

}  // namespace fptrace::emu
