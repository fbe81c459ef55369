#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/ptrace/session.h"

// Debuggers inside the traced tree. A task has one tracer at most, so a gdb or strace among our
// tracees would be told EPERM. With notifications we need not hold a task to see its calls: when
// one of our tracees asks for another (or, by PTRACE_TRACEME, to be traced itself), we let that
// task go first. From then on its calls are still announced; results that only a stop would show
// are inferred, and a gap says so. When the debugger is done with it, we take it back.

namespace fptrace::ptrace {
namespace {

using std::chrono::steady_clock;

// A debugger that was promised a task has this long to attach before we take it back.
constexpr auto kGrace = std::chrono::seconds(1);

constexpr const char* kGap = "traced by another tracer";

// Linux 6.15: the exit status of a process that is not our child (include/uapi/linux/pidfd.h;
// not in the headers of older distributions).
struct PidfdInfo {
  uint64_t mask, cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);
constexpr uint64_t kPidfdInfoExit = 1u << 3;

bool tells_exit_status(int pidfd) {
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  return ::ioctl(pidfd, kPidfdGetInfo, &info) == 0;
}

// Known once the process has been reaped, which makes a poll of the pidfd say POLLHUP.
std::optional<int> wait_status(int pidfd) {
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  if (::ioctl(pidfd, kPidfdGetInfo, &info) < 0 || (info.mask & kPidfdInfoExit) == 0) return {};
  return info.exit_code;
}

}  // namespace

// Takes care of a ptrace() call that asks for one of our tasks; false for any other call.
bool Session::on_ptrace_call(Task& task, const SyscallCall& call, uint64_t notification) {
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  if (!row || row->name != "ptrace") return false;
  const uint64_t request = call.args[0];
  Task* wanted = nullptr;
  if (request == PTRACE_TRACEME) wanted = &task;
  if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
    wanted = tracees_.find(pid_t(call.args[1]));
  if (!wanted || wanted->hold != Task::Hold::kOurs || detaching_) {
    notifier_->let_run(notification);
    return true;
  }
  wanted->hold = Task::Hold::kGivingAway;
  note_other_tracer(*wanted);
  (void)::ptrace(PTRACE_INTERRUPT, wanted->tid, nullptr, nullptr);
  if (wanted == &task) {
    notifier_->restart(notification);  // it stops now, and asks again when it is free
  } else {
    wanted->waiting_debugger = notification;
  }
  return true;
}

void Session::note_other_tracer(Task& task) {
  Process& process = *task.process;
  if (process.pidfd) return;
  process.pidfd = UniqueFd(int(::syscall(SYS_pidfd_open, process.key.pid, 0)));
  process.waits_for_reaping = tells_exit_status(process.pidfd.get());
  ++given_away_;
  emit(&task, GapEvent{kGap, "results of some calls are inferred"});
}

// The task has stopped and can be let go.
void Session::give_away(Task& task, int status) {
  const int signo = WSTOPSIG(status), event = status >> 16;
  if (event == PTRACE_EVENT_EXEC || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
      event == PTRACE_EVENT_CLONE) {
    // Only we are told this; the interruption that we sent is used up by it.
    task.hold = Task::Hold::kOurs;
    on_stop(task, status);
    task.hold = Task::Hold::kGivingAway;
    (void)::ptrace(PTRACE_INTERRUPT, task.tid, nullptr, nullptr);
    return;
  }
  const bool deliver = event == 0 && signo != (SIGTRAP | 0x80);
  (void)::ptrace(PTRACE_DETACH, task.tid, nullptr, deliver ? signo : 0);
  task.hold = Task::Hold::kTheirs;
  task.given_away_at = steady_clock::now();
  task.await = Await::kNothing;
  task.in_call = false;
  if (task.waiting_debugger)
    notifier_->let_run(*std::exchange(task.waiting_debugger, std::nullopt));
}

bool Session::regain(Task& task) {
  if (steady_clock::now() - task.given_away_at < kGrace) return false;
  const auto status = read_status(task.tid);
  if (!status || status->tracer_pid != 0) return false;
  constexpr unsigned long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                                     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                                     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (::ptrace(PTRACE_SEIZE, task.tid, nullptr, kOptions) < 0) return false;
  end_foreign_call(task);
  task.hold = Task::Hold::kOurs;
  return true;
}

void Session::on_foreign_notification(Task& task, const seccomp_notif& request) {
  end_foreign_call(task);
  const SyscallCall call = call_of(request);
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  if (!(row && row->name == "ptrace") && begin_call(task, call)) {
    const auto result = task.pending->predicted();
    if (result) end_call(task, *result);
  }
  notifier_->let_run(request.id);
}

// What became of the last call of a task whose stops another tracer gets. An exec shows in what
// the task runs now; of the other calls we assume that they did what they were asked to.
void Session::end_foreign_call(Task& task) {
  if (!task.pending) return;
  end_call(task, 0);
}

void Session::on_foreign_end(Process& process) {
  const auto status = wait_status(process.pidfd.get());
  const pid_t pid = process.key.pid;
  process.pidfd = UniqueFd();
  Task* leader = tracees_.find(pid);
  if (!leader || leader->hold != Task::Hold::kTheirs) return;  // its own end will be reported
  if (process.key == root_) return;                            // our child: waitpid tells
  end_foreign_call(*leader);
  if (!status) emit(leader, GapEvent{"exit status not known", "ended under another tracer"});
  on_end(pid, status.value_or(0));
}

// The task of a notification. One that we have not met was born under a debugger, or with
// CLONE_UNTRACED; in the latter case nothing keeps us from taking it.
Task* Session::find_or_adopt(pid_t tid) {
  if (Task* known = tracees_.find(tid)) return known;
  const auto status = read_status(tid);
  if (!status) return nullptr;
  Task* parent = tracees_.find(status->ppid);
  Task* sibling = tracees_.find(status->tgid);
  Task* task = nullptr;
  if (sibling && tid != status->tgid) {
    task = &tracees_.add_thread(tid, *sibling->process);
    emit(sibling, ThreadEvent{tid, 0});
  } else {
    task = &tracees_.add_process(status->tgid, parent ? parent->process->key : ProcessKey{});
    if (parent) {
      task->process->own_filter = parent->process->own_filter;
      emit(parent, ForkEvent{task->process->key, 0});
    } else {
      emit(task, AttachEvent{{}, {tid}});
    }
    task->process->rights_changed = true;
    if (tid != status->tgid) task = &tracees_.add_thread(tid, *task->process);
  }
  task->hold = Task::Hold::kTheirs;
  if (!regain(*task)) note_other_tracer(*task);
  return task;
}

}  // namespace fptrace::ptrace
