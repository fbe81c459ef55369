#include <linux/sched.h>
#include <signal.h>

#include <utility>

#include "backends/emu/tracer/session.h"

// How tasks come and go, and the signals they get: told by functions of the kernel that are
// entered on the way, in the context of the task that they are about.

namespace fptrace::emu {
namespace {

// include/linux/sched.h: tasks of the kernel's own that share a program's address space.
constexpr uint64_t kIoWorker = 0x10, kUserWorker = 0x4000, kKernelThread = 0x200000;
constexpr uint64_t kGroupExit = 4;  // SIGNAL_GROUP_EXIT, include/linux/sched/signal.h

// Results that the kernel keeps to itself: the call will run again, or has failed with EINTR
// (include/linux/errno.h).
bool was_interrupted(int64_t result) {
  return result == -512 || result == -513 || result == -514 || result == -516;
}

ExitStatus exit_status(int code) {
  const int signal = code & 0x7f;
  return signal != 0 ? ExitStatus{0, signal} : ExitStatus{code >> 8 & 0xff, 0};
}

}  // namespace

Result<void> Session::on_hook() {
  GuestThread* const thread = find_or_adopt(stop().task);
  if (!thread) return {};
  switch (Hook(stop().detail)) {
    case Hook::kNewTask:
      return on_new_task(*thread);
    case Hook::kTaskEnd:
      on_task_end(*thread);
      return {};
    case Hook::kSignalWork:
      on_signal_work(*thread);
      return {};
    case Hook::kHandler:
      on_handler(*thread);
      return {};
    case Hook::kNewProgram:
      on_new_program(*thread);
      return {};
  }
  return {};
}

GuestThread* Session::find_or_adopt(uint64_t task) {
  if (GuestThread* const known = threads_.find(task)) return known;
  if (!options_.whole_machine || !guest_ || status_) return nullptr;
  const auto info = guest_->tasks().info(task);
  if (!info || info->kernel_thread || info->ended) return nullptr;
  if (GuestProcess* const process = threads_.find_process(info->pid))
    return &threads_.add_thread(*guest_, *info, *process);
  GuestThread& thread = threads_.add_process(*guest_, *info, {});
  report_running_process(thread, *info);
  return &thread;
}

void Session::report_running_process(GuestThread& thread, const TaskInfo& info) {
  AttachEvent attach;
  for (const uint64_t task : guest_->tasks().threads(thread.task))
    if (const auto one = guest_->tasks().info(task)) attach.tids.push_back(one->tid);
  if (const GuestProcess* parent = threads_.find_process(info.parent)) attach.parent = parent->key;
  emit(&thread, std::move(attach));
  emit(&thread, GapEvent{"history before attach", "what the process did before is not known"});
  ExecEvent exec;
  auto exe = thread.view.exe();
  if (!exe) return;
  exec.program.file = *std::move(exe);
  exec.program.path = exec.program.file.path;
  exec.argv = thread.view.argv().value_or(std::vector<std::string>{});
  exec.env = thread.view.env().value_or(std::vector<std::string>{});
  if (const auto cwd = thread.view.cwd()) exec.cwd = cwd->path;
  emit(&thread, std::move(exec));
  report_descriptors(thread);
}

Result<void> Session::on_new_task(GuestThread& parent) {
  const uint64_t task = stop().cpu.gpr[kRdi];
  const auto info = guest_->tasks().info(task);
  if (!info) return fail(Errc::kBackend, "a new task of the guest cannot be read");
  const auto own = guest_->kernel().number(task, guest_->kernel().layout().task.flags);
  if (!own || (*own & (kIoWorker | kUserWorker | kKernelThread)) != 0) return {};
  uint64_t flags = 0;
  if (const auto saved = guest_->saved_registers(parent.task))
    flags = clone_flags(parent.view, call_of(*saved));
  GuestThread* child = nullptr;
  if (info->pid == parent.process->key.pid) {
    child = &threads_.add_thread(*guest_, *info, *parent.process);
    emit(&parent, ThreadEvent{info->tid, flags});
  } else {
    child = &threads_.add_process(*guest_, *info, parent.process->key);
    emit(&parent, ForkEvent{child->process->key, flags});
  }
  return watch(*child);
}

// Its last act: nothing of its memory and files is given up yet, and it will not be seen again.
void Session::on_task_end(GuestThread& thread) {
  channel_.forget_task(thread.task);
  thread.pending.reset();
  GuestProcess& process = *thread.process;
  if (const auto code = group_exit_code(thread)) report_fatal_signal(thread, int(*code & 0x7f));
  const bool is_leader = thread.tid == process.key.pid;
  if (is_leader) {
    process.leader_ended = true;
    process.leader_code = int(uint32_t(stop().cpu.gpr[kRdi]));
  } else {
    emit(&thread, ThreadExitEvent{thread.tid});
  }
  if (process.threads == 1) end_process(thread);
  threads_.remove(thread.task);
}

// Where the process ends as a whole: by exit_group(2), or by a signal.
std::optional<uint64_t> Session::group_exit_code(const GuestThread& thread) const {
  const GuestKernel& kernel = guest_->kernel();
  const auto& layout = kernel.layout();
  const uint64_t signal = kernel.pointer(thread.task, layout.task.signal);
  if ((kernel.number(signal, layout.signal.flags).value_or(0) & kGroupExit) == 0)
    return std::nullopt;
  return kernel.number(signal, layout.signal.group_exit_code);
}

// A signal that kills without a core dump is turned into a SIGKILL for every thread when it is sent
// (complete_signal() in kernel/signal.c); which one it was says the process's exit code. Nobody is
// told of a true SIGKILL.
void Session::report_fatal_signal(GuestThread& thread, int signo) {
  if (signo == 0 || signo == SIGKILL || std::exchange(thread.process->fatal_told, true)) return;
  emit(&thread, SignalEvent{signo, 0});
}

void Session::end_process(GuestThread& last) {
  const auto group_code = group_exit_code(last);
  const int code = group_code ? int(*group_code) : last.process->leader_code;
  const ProcessKey key = last.process->key;
  emit(key, key.pid, ExitEvent{exit_status(code)});
  if (openers_) openers_->forget(key.pid);
}

// SECCOMP_RET_TRAP undoes the call (its number is back where the result would be) and raises
// SIGSYS: it was denied, whatever the register says.
bool Session::was_denied(const GuestThread& thread, const SavedRegisters& saved) const {
  const GuestKernel& kernel = guest_->kernel();
  const auto pending = kernel.number(thread.task, kernel.layout().task.pending_signals);
  return saved.rax == saved.orig_rax && (pending.value_or(0) >> (SIGSYS - 1) & 1) != 0;
}

// A call that is over returns only after the handlers; its result is there now.
void Session::on_signal_work(GuestThread& thread) {
  if (!thread.pending) return;
  const auto saved = guest_->saved_registers(thread.task);
  if (!saved || int64_t(saved->orig_rax) < 0) return;  // came for another reason than a call
  if (thread.is_exec && guest_->mm(thread.task) != thread.mm) return;  // returns to a new program
  const bool narrow = thread.call.abi == Abi::kI386;
  const auto result = narrow ? int64_t(int32_t(saved->rax)) : int64_t(saved->rax);
  if (was_interrupted(result))
    thread.pending.reset();
  else
    end_call(thread, was_denied(thread, *saved) ? -EPERM : result);
}

void Session::on_handler(GuestThread& thread) {
  const GuestKernel& kernel = guest_->kernel();
  const auto& layout = kernel.layout().ksignal;
  const uint64_t ksignal = stop().cpu.gpr[kRsi];
  const auto signo = kernel.number(ksignal, layout.signo);
  const auto code = kernel.number(ksignal, layout.code);
  if (!signo) return;
  const int why = int(uint32_t(code.value_or(0)));
  const bool from_process =
      why == SI_USER || why == SI_QUEUE || why == SI_TKILL || *signo == SIGCHLD;
  const auto sender = from_process ? kernel.number(ksignal, layout.sender).value_or(0) : 0;
  emit(&thread, SignalEvent{int32_t(*signo), int32_t(uint32_t(sender))});
}

// By now the kernel has read the call's arguments, and they are not gone yet.
void Session::on_new_program(GuestThread& thread) {
  if (!thread.pending || !thread.is_exec) return;
  if (auto again = decoder_.enter(thread.view, thread.call)) thread.pending = std::move(again);
}

// The caller may have been another thread than the leader, which was ended for it: it has the
// number now.
GuestThread& Session::on_exec_done(GuestThread& caller) {
  GuestThread* thread = &caller;
  const ProcessKey key = caller.process->key;
  if (caller.tid != key.pid) {
    emit(key, key.pid, ThreadExitEvent{caller.tid});
    if (const auto info = guest_->tasks().info(caller.task))
      thread = &threads_.become_leader(*guest_, *info);
  }
  const CpuState& cpu = stop().cpu;
  thread->view.read_new_program(cpu.gpr[kRsp], registers_of(cpu).is_i386);
  return *thread;
}

}  // namespace fptrace::emu
