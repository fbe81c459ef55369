#include "backends/ptrace/session.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "common/path/program_search.h"
#include "common/proc/os_release.h"

// PTRACE_SEIZE, group stops and PTRACE_LISTEN: ptrace(2), "Attaching and detaching" and
// "Group-stop". Numbers of stops and what they cost: PTRACE_FACTS.

namespace fptrace::ptrace {
namespace {

bool is_stop_signal(int signo) {
  return signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

}  // namespace

Session::Session(const Options& options, const InputStore* inputs, EventSink& sink,
                 std::stop_token stop)
    : options_(options), sink_(sink), stop_(std::move(stop)) {
  if (options_.hash) content_.emplace(2, inputs);
  if (options_.openers) openers_.emplace();
}

Result<ExitStatus> Session::run(const Command& command) {
  if (command.argv.empty()) return fail(Errc::kTracee, "no program given");
  const auto path = find_program(command.argv[0]);
  if (!path) return fail(path.error());
  unsigned long ptrace_options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                                 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
  if (!options_.survive_tracer) ptrace_options |= PTRACE_O_EXITKILL;
  auto launched =
      launch(*path, command.argv, options_.stops, ptrace_options, signals_, options_.warn);
  if (!launched) return fail(launched.error());
  stops_ = launched->stops;
  emit_start(command.argv);
  Task& task = tracees_.add_process(launched->pid, {});
  task.view.keep_cwd(true);
  root_ = task.process->key;
  root_alive_ = true;
  // What the child has open is what we have open, less what closes at its execve.
  HostTask self(::getpid(), ::gettid());
  for (auto& fd : open_descriptors(self, "/proc/self/fd"))
    if ((::fcntl(fd.fd, F_GETFD) & FD_CLOEXEC) == 0) emit(&task, std::move(fd));
  if (launched->listener) {
    auto notifier = Notifier::create(std::move(launched->listener));
    if (!notifier) {
      kill_all(SIGKILL);
      (void)loop();
      return fail(notifier.error());
    }
    notifier_ = *std::move(notifier);
  }
  auto status = loop();
  int error = 0;
  if (::read(launched->exec_error.get(), &error, sizeof error) == ssize_t(sizeof error))
    return fail(Errc::kTracee,
                "cannot run " + *path + ": " + std::generic_category().message(error), error);
  return status;
}

void Session::emit_start(const std::vector<std::string>& argv) {
  TraceStartEvent start;
  start.backend = "ptrace";
  start.argv = argv;
  std::error_code none;
  start.cwd = std::filesystem::current_path(none).string();
  start.os = os_name();
  utsname name{};
  if (::uname(&name) == 0) {
    start.kernel = name.release;
    start.machine = name.machine;
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  start.wall_ns = uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  emit(nullptr, std::move(start));
}

Result<ExitStatus> Session::loop() {
  const std::stop_callback wake(stop_,
                                [thread = ::pthread_self()] { ::pthread_kill(thread, SIGCHLD); });
  bool child_news = true;
  for (;;) {
    if (child_news || signals_.take(SIGCHLD)) reap();
    if (tracees_.empty() && early_.empty()) break;
    handle_signals_to_us();
    wait();
    child_news = signals_.take(SIGCHLD);
  }
  return finish();
}

void Session::wait() {
  polled_.clear();
  const auto watched = given_away_ == 0 ? std::vector<Process*>{} : tracees_.watched();
  for (const Process* process : watched)
    polled_.push_back(
        {process->pidfd.get(), process->waits_for_reaping ? short{0} : short{POLLIN}, 0});
  if (notifier_) polled_.push_back({notifier_->fd(), POLLIN, 0});
  constexpr int kIdleMs = 200;
  const bool idle_already = seq_ == idle_at_seq_;
  if (!signals_.wait(polled_, idle_already ? -1 : kIdleMs)) {
    idle_at_seq_ = seq_;
    if (auto r = sink_.on_idle(); !r && !sink_error_) sink_error_ = r.error();
  }
  for (size_t i = 0; i < watched.size(); ++i)
    if (polled_[i].revents != 0) on_foreign_end(*watched[i]);
  if (!notifier_) return;
  const short news = polled_.back().revents;
  if (news & POLLIN)
    on_notifications();
  else if (news & POLLHUP)
    notifier_.reset();  // the last task under the filter has ended
}

Result<ExitStatus> Session::finish() {
  if (content_) {
    bodies_.clear();
    content_->finish(bodies_);
    for (auto& body : bodies_) emit(nullptr, std::move(body));
  }
  emit(nullptr, TraceEndEvent{root_status_});
  if (options_.progress) options_.progress(seq_, tracees_.processes_seen());
  if (sink_error_) return fail(*sink_error_);
  return root_status_;
}

// SIGINT and SIGQUIT come from the terminal to the whole foreground group: the program decides
// what they mean, as if it ran alone. SIGTERM and SIGHUP may come to us alone: pass them on.
void Session::handle_signals_to_us() {
  stop_like_the_program();
  const bool interrupt = signals_.take(SIGINT), quit = signals_.take(SIGQUIT);
  const bool term = signals_.take(SIGTERM), hangup = signals_.take(SIGHUP);
  const bool from_terminal = interrupt || quit;
  const bool attached = root_.serial == 0;
  if (stop_.stop_requested() || (attached && (from_terminal || term || hangup))) {
    if (attached)
      begin_detach();
    else if (!killing_)
      kill_all(SIGKILL);
    return;
  }
  if (root_alive_) {
    if (term) (void)::kill(root_.pid, SIGTERM);
    if (hangup) (void)::kill(root_.pid, SIGHUP);
  } else if (!attached && (from_terminal || term || hangup)) {
    kill_all(++asked_to_end_ > 1 ? SIGKILL : SIGTERM);  // what outlived the main program
  }
}

void Session::reap() {
  int status = 0;
  pid_t tid;
  while ((tid = ::waitpid(-1, &status, __WALL | WNOHANG)) > 0) on_wait(tid, status);
  if (!early_.empty()) adopt_orphans();
}

void Session::on_wait(pid_t tid, int status) {
  if (!WIFSTOPPED(status)) return on_end(tid, status);
  Task* task = tracees_.find(tid);
  if (!task) {
    early_[tid] = status;
    return;
  }
  on_stop(*task, status);
}

void Session::on_stop(Task& task, int status) {
  const int signo = WSTOPSIG(status), event = status >> 16;
  if (task.hold == Task::Hold::kGivingAway) return give_away(task, status);
  if (task.detach) {
    const bool deliver = event == 0 && signo != (SIGTRAP | 0x80);
    return let_go(task, deliver ? signo : 0);
  }
  switch (event) {
    case 0:
      if (signo == (SIGTRAP | 0x80)) return on_syscall_stop(task);
      return on_signal(task, signo);
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE: {
      unsigned long tid = 0;
      if (::ptrace(PTRACE_GETEVENTMSG, task.tid, nullptr, &tid) == 0)
        on_new_task(task, pid_t(tid), event);
      return resume(task);
    }
    case PTRACE_EVENT_EXEC:
      return on_exec(task);
    case PTRACE_EVENT_SECCOMP:
      return on_filter_stop(task);
    case PTRACE_EVENT_STOP:
      return on_event_stop(task, signo);
    default:
      return resume(task);
  }
}

// A signal is about to be delivered.
void Session::on_signal(Task& task, int signo) {
  if (notifier_) cure_eintr(task);
  siginfo_t info{};
  const bool known = ::ptrace(PTRACE_GETSIGINFO, task.tid, nullptr, &info) == 0;
  const bool from_process = known && (info.si_code == SI_USER || info.si_code == SI_QUEUE ||
                                      info.si_code == SI_TKILL || signo == SIGCHLD);
  emit(&task, SignalEvent{signo, from_process ? info.si_pid : 0});
  resume(task, signo);
}

// A new task's first stop, the answer to PTRACE_INTERRUPT, a group stop, or the end of one.
void Session::on_event_stop(Task& task, int signo) {
  if (task.await == Await::kInterrupt) {
    user_regs_struct regs{};
    task.await = Await::kNothing;
    if (::ptrace(PTRACE_GETREGS, task.tid, nullptr, &regs) == 0) end_call(task, int64_t(regs.rax));
  }
  if (task.asks_strict) grant_strict(task);
  if (task.process->key == root_ && task.tid == root_.pid) root_stopped_ = is_stop_signal(signo);
  if (!is_stop_signal(signo)) return resume(task);
  // The task stays stopped for its parent and for SIGCONT; we only hear of the end of it.
  (void)::ptrace(PTRACE_LISTEN, task.tid, nullptr, nullptr);
}

// Ctrl-Z: the shell waits for us to stop, but only once the program itself did (it may have
// something to tidy up first). What stops the program alone does not concern us: who did it may
// be one of its own processes, which needs us to go on.
void Session::stop_like_the_program() {
  if (root_stopped_ && signals_.take(SIGTSTP)) (void)::kill(::getpid(), SIGSTOP);
}

void Session::resume(Task& task, int signo) {
  const bool all_calls = stops_ == Stops::kSyscall || task.process->own_filter;
  const auto request = all_calls || task.await == Await::kExit ? PTRACE_SYSCALL : PTRACE_CONT;
  // ESRCH: killed meanwhile; its end will be reported.
  (void)::ptrace(request, task.tid, nullptr, signo);
}

void Session::emit(const Task* task, EventBody body) {
  if (task) return emit(task->process->key, task->tid, std::move(body));
  emit(ProcessKey{}, 0, std::move(body));
}

void Session::emit(ProcessKey process, pid_t tid, EventBody body) {
  const auto now = std::chrono::steady_clock::now();
  const auto elapsed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - start_);
  const Event event{++seq_, uint64_t(elapsed.count()), process, tid, std::move(body)};
  if (!sink_error_) {
    if (auto r = sink_.on_event(event); !r) sink_error_ = r.error();
  }
  if (content_) content_->observe(event);
  if (options_.progress && now >= next_progress_) {
    next_progress_ = now + std::chrono::milliseconds(100);
    options_.progress(seq_, tracees_.processes_seen());
  }
}

}  // namespace fptrace::ptrace
