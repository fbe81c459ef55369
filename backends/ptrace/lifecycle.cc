#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <sched.h>

#include "backends/ptrace/session.h"

// How tasks come, change and go. The kernel reports a new task twice, by an event of its parent
// and by a stop of its own, in either order.

namespace fptrace::ptrace {
namespace {

SyscallCall call_of(const user_regs_struct& r) {
  if (r.cs == 0x23) return {Abi::kI386, r.orig_rax, {r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp}};
  return {
      Abi::kX86_64, r.orig_rax & ~uint64_t{0x40000000}, {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9}};
}

bool exists(pid_t tid) { return ::access(("/proc/" + std::to_string(tid)).c_str(), F_OK) == 0; }

bool raises_rights(const FileRef& program) {
  if (program.mode & (S_ISUID | S_ISGID)) return true;
  return ::lgetxattr(program.path.c_str(), "security.capability", nullptr, 0) > 0;
}

ExitStatus exit_status(int status) {
  return WIFSIGNALED(status) ? ExitStatus{0, WTERMSIG(status)} : ExitStatus{WEXITSTATUS(status), 0};
}

}  // namespace

void Session::on_new_task(Task& parent, pid_t tid, int event) {
  if (tracees_.find(tid)) return;
  user_regs_struct regs{};
  uint64_t flags = event == PTRACE_EVENT_VFORK ? CLONE_VFORK | CLONE_VM : 0;
  if (::ptrace(PTRACE_GETREGS, parent.tid, nullptr, &regs) == 0)
    flags = clone_flags(parent.view, call_of(regs));
  Task* child = nullptr;
  if (flags & CLONE_THREAD) {
    child = &tracees_.add_thread(tid, *parent.process);
    emit(&parent, ThreadEvent{tid, flags});
  } else {
    child = &tracees_.add_process(tid, parent.process->key);
    child->process->rights_changed =
        parent.process->rights_changed || (flags & (CLONE_NEWUSER | CLONE_NEWNS)) != 0;
    child->process->own_filter = parent.process->own_filter;
    emit(&parent, ForkEvent{child->process->key, flags});
  }
  // Whoever shares a working directory once may do so for ever.
  if (flags & CLONE_FS)
    for (Task* t : tracees_.of(*parent.process)) t->view.keep_cwd(false);
  else
    child->view.keep_cwd(true);
  if ((flags & (CLONE_NEWUSER | CLONE_NEWNS)) == 0) child->view.inherit_file_system(parent.view);
  child->detach = detaching_;
  if (killing_) (void)::kill(tid, SIGKILL);
  const auto early = early_.extract(tid);
  if (!early.empty()) on_wait(tid, early.mapped());
}

// A parent that is killed before it could report its child leaves the child stopped, unannounced.
void Session::adopt_orphans() {
  std::vector<std::pair<pid_t, int>> orphans;
  for (const auto& [tid, status] : early_) {
    if (!WIFSTOPPED(status)) {
      if (tracees_.empty()) orphans.emplace_back(tid, status);
      continue;
    }
    const auto s = read_status(tid);
    if (!s || (!tracees_.find(s->tgid) && !tracees_.find(s->ppid)))
      orphans.emplace_back(tid, status);
  }
  for (const auto& [tid, status] : orphans) {
    early_.erase(tid);
    if (!WIFSTOPPED(status) || !exists(tid)) continue;
    Task& task = tracees_.add_process(tid, {});
    task.process->rights_changed = true;
    emit(&task, AttachEvent{{}, {tid}});
    emit(&task, GapEvent{"parent ended before its child was seen", ""});
    on_stop(task, status);
  }
}

void Session::on_exec(Task& stopped) {
  unsigned long former = 0;
  Task* task = &stopped;
  const pid_t pid = stopped.tid;
  if (::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &former) == 0 && pid_t(former) != pid) {
    // The leader vanished without a report and the caller took its number (ptrace(2), execve).
    emit(&stopped, ThreadExitEvent{pid_t(former)});
    tracees_.become_leader(pid_t(former), pid);
    task = tracees_.find(pid);
  }
  task->await = Await::kNothing;  // any stop consumes a pending PTRACE_INTERRUPT
  user_regs_struct regs{};
  if (::ptrace(PTRACE_GETREGS, pid, nullptr, &regs) == 0)
    task->view.read_new_program(regs.rsp, regs.cs == 0x23);
  if (!task->pending) {
    report_program(*task);
  } else {
    end_call(*task, 0);
  }
  task->view.forget_program();
  resume(*task);
}

void Session::check_setuid(const Task& task, const ExecEvent& exec) {
  const Lookup& binary = exec.interpreters.empty() ? exec.program : exec.interpreters.back();
  if (exec.error != 0 || !raises_rights(binary.file)) return;
  task.process->rights_changed = true;
  if (::geteuid() == 0) return;  // a privileged tracer does not keep the kernel from it
  emit(&task, GapEvent{"setuid or file capabilities not honoured", binary.file.path});
  if (options_.warn && !std::exchange(warned_setuid_, true))
    options_.warn(binary.file.path +
                  " ran without the rights that its file gives (setuid, setgid or capabilities): "
                  "the kernel withholds them from programs traced by an unprivileged user; trace "
                  "as root to keep them");
}

void Session::on_end(pid_t tid, int status) {
  Task* task = tracees_.find(tid);
  if (!task) {
    early_[tid] = status;
    return;
  }
  const ProcessKey key = task->process->key;
  if (tid != key.pid) {
    emit(task, ThreadExitEvent{tid});
    tracees_.remove(tid);
    return;
  }
  emit(task, ExitEvent{exit_status(status)});
  if (openers_) openers_->forget(key.pid);
  for (const Task* t : tracees_.of(*task->process)) tracees_.remove(t->tid);
  if (key != root_) return;
  root_alive_ = false;
  root_status_ = exit_status(status);
  on_root_end();
}

void Session::on_root_end() {
  if (options_.daemons == Daemons::kDetach) begin_detach();
  if (options_.daemons == Daemons::kKill) kill_all(SIGKILL);
}

void Session::begin_detach() {
  if (std::exchange(detaching_, true)) return;
  for (Task* task : tracees_.all()) {
    task->detach = true;
    (void)::ptrace(PTRACE_INTERRUPT, task->tid, nullptr, nullptr);
  }
}

void Session::let_go(Task& task, int signo) {
  (void)::ptrace(PTRACE_DETACH, task.tid, nullptr, signo);
  if (task.process->threads == 1) {
    emit(&task, DetachEvent{});
    if (openers_) openers_->forget(task.process->key.pid);
  }
  tracees_.remove(task.tid);
}

void Session::kill_all(int signo) {
  killing_ = signo == SIGKILL;
  for (const Task* task : tracees_.all())
    if (task->tid == task->process->key.pid) (void)::kill(task->tid, signo);
}

}  // namespace fptrace::ptrace
