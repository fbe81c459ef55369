#include <linux/audit.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <algorithm>
#include <cstddef>

#include "backends/ptrace/seccomp_filter.h"
#include "backends/ptrace/session.h"
#include "common/path/host_names.h"

// System calls: three ways of hearing of one, one way of reporting it.

namespace fptrace::ptrace {
namespace {

constexpr uint64_t kX32Bit = 0x40000000;

// Results that the kernel keeps to itself: the call will run again (include/linux/errno.h).
bool will_restart(int64_t result) {
  return result == -512 || result == -513 || result == -514 || result == -516;
}

SyscallCall make_call(uint32_t arch, uint64_t nr, const uint64_t* args) {
  SyscallCall call;
  call.abi = arch == AUDIT_ARCH_I386 ? Abi::kI386 : (nr & kX32Bit) ? Abi::kX32 : Abi::kX86_64;
  call.nr = call.abi == Abi::kX32 ? nr & ~kX32Bit : nr;
  std::copy_n(args, call.args.size(), call.args.begin());
  return call;
}

// Calls that are over at once, whatever the state of files: for these a signal never is a reason
// to return EINTR, so a notification must not make it one either.
bool returns_eintr(const SyscallRow& row) {
  static constexpr std::string_view kMayWait[] = {
      "accept",  "accept4",  "connect",  "futex",       "io_uring_enter", "recvmmsg",
      "recvmsg", "sendmmsg", "sendmsg",  "sendto",      "socketcall",     "recvmmsg_time64",
      "bind",    "openat2",  "fsconfig", "finit_module"};
  return std::find(std::begin(kMayWait), std::end(kMayWait), row.name) != std::end(kMayWait);
}

// Whether the BPF program at `addr` (struct sock_fprog) can return SECCOMP_RET_TRACE.
bool asks_for_tracer(TaskView& task, uint64_t addr) {
  sock_fprog program{};
  if (task.read_memory(addr, &program, sizeof program) != sizeof program) return false;
  std::vector<sock_filter> code(std::min<size_t>(program.len, BPF_MAXINSNS));
  const size_t size = code.size() * sizeof(sock_filter);
  if (task.read_memory(uint64_t(program.filter), code.data(), size) != size) return false;
  return std::any_of(code.begin(), code.end(), [](const sock_filter& i) {
    return i.code == (BPF_RET | BPF_K) && (i.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE;
  });
}

bool installs_filter(const SyscallRow& row, const SyscallCall& call) {
  if (row.name == "seccomp") return call.args[0] <= 1;  // SECCOMP_SET_MODE_{STRICT,FILTER}
  return row.name == "prctl" && call.args[0] == PR_SET_SECCOMP;
}

}  // namespace

SyscallCall call_of(const seccomp_notif& request) {
  uint64_t args[6];
  std::copy_n(request.data.args, 6, args);
  return make_call(request.data.arch, uint64_t(uint32_t(request.data.nr)), args);
}

// One at a time, so that its caller goes on at once while we look for what else there is. Every
// such look costs the kernel a walk through all tasks, though, so a crowd is served in batches.
void Session::on_notifications() {
  constexpr size_t kCrowd = 64;
  constexpr int kBatch = 32;
  if (tracees_.size() < kCrowd) return on_notification();
  notifier_->begin_batch();
  for (int i = 0; i < kBatch; ++i) {
    on_notification();
    if (!notifier_->more()) break;
  }
  notifier_->end_batch();
}

void Session::on_notification() {
  const seccomp_notif* request = notifier_->receive();
  if (!request) return;
  Task* task = find_or_adopt(pid_t(request->pid));
  if (!task) return notifier_->let_run(request->id);  // ended meanwhile
  if (task->hold == Task::Hold::kTheirs && !regain(*task))
    return on_foreign_notification(*task, *request);
  answer_notification(*task, *request);
}

void Session::answer_notification(Task& task, const seccomp_notif& request) {
  // Its plain entry stop has told us already.
  if (task.pending || task.in_call) return notifier_->let_run(request.id);
  const SyscallCall call = call_of(request);
  if (on_ptrace_call(task, call, request.id)) return;
  if (!begin_call(task, call)) return notifier_->let_run(request.id);
  if (is_certain(task)) {
    end_call(task, *task.pending->predicted());
    return notifier_->let_run(request.id);
  }
  // Its next stop comes when the call is over, before anything else happens to the task
  // (get_signal() in kernel/signal.c looks for traps first).
  task.await = Await::kInterrupt;
  (void)::ptrace(PTRACE_INTERRUPT, task.tid, nullptr, nullptr);
  // A call that may sleep would see the interruption: it has to be awaited by its exit stop, so
  // it is started again from there.
  if (task.pending->may_block()) return notifier_->restart(request.id);
  notifier_->let_run(request.id);
}

// Whether the result is known without waiting for it.
bool Session::is_certain(const Task& task) const {
  if (task.process->rights_changed || !task.pending->predicted()) return false;
  // Who made it is seen at a stop only.
  if (openers_ && task.pending->opens()) return false;
  if (task.call_abi == Abi::kX32) return false;  // few kernels have it: ENOSYS
  // Another thread could change the path between our look and the kernel's. That matters where the
  // file becomes a dependency, not where a program merely asks about one.
  return task.process->threads == 1 || !task.pending->opens();
}

// A filter of the program's own asks for a tracer. Without us there would be none, and the call
// would fail with ENOSYS (seccomp(2), SECCOMP_RET_TRACE).
bool Session::refuse_foreign_filter_stop(Task& task) {
  unsigned long mark = 0;
  if (::ptrace(PTRACE_GETEVENTMSG, task.tid, nullptr, &mark) < 0 || mark == kTraceMark)
    return false;
  (void)::ptrace(PTRACE_POKEUSER, task.tid, offsetof(user_regs_struct, orig_rax), -1L);
  (void)::ptrace(PTRACE_POKEUSER, task.tid, offsetof(user_regs_struct, rax), long{-ENOSYS});
  return true;
}

void Session::on_filter_stop(Task& task) {
  if (refuse_foreign_filter_stop(task)) return resume(task);
  __ptrace_syscall_info info{};
  if (::ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), task.tid, sizeof info,
               &info) > 0 &&
      !task.pending && !task.in_call) {
    uint64_t args[6];
    for (size_t i = 0; i < 6; ++i) args[i] = info.seccomp.args[i];
    const SyscallCall call = make_call(info.arch, info.seccomp.nr, args);
    if (keep_child_traced(task, call) || begin_call(task, call)) task.await = Await::kExit;
  }
  resume(task);
}

void Session::on_syscall_stop(Task& task) {
  __ptrace_syscall_info info{};
  if (::ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), task.tid, sizeof info,
               &info) > 0) {
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      uint64_t args[6];
      for (size_t i = 0; i < 6; ++i) args[i] = info.entry.args[i];
      task.in_call = true;
      const SyscallCall call = make_call(info.arch, info.entry.nr, args);
      if (enforce_strict(task, call)) return;
      (void)keep_child_traced(task, call);
      if (!task.pending) begin_call(task, call);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
      task.in_call = false;
      task.await = Await::kNothing;
      if (task.asks_strict) grant_strict(task);
      give_flags_back(task);
      const int64_t result = denied_by_signal(task, info.exit.rval) ? -EPERM : info.exit.rval;
      if (task.pending) end_call(task, result);
    }
  }
  resume(task);
}

// CLONE_UNTRACED would hide the child: it is taken out of the flags for the time of the call. In
// notify mode there is no need: the child's first notification leads to it.
bool Session::keep_child_traced(Task& task, const SyscallCall& call) {
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  if (!row || (row->name != "clone" && row->name != "clone3") || notifier_) return false;
  uint64_t flags = call.args[0];
  if (row->name == "clone3" &&
      task.view.read_memory(call.args[0], &flags, sizeof flags) != sizeof flags)
    return false;
  if ((flags & CLONE_UNTRACED) == 0) return false;
  task.untraced_flags = flags;
  task.clone_call = call;
  write_clone_flags(task, flags & ~uint64_t{CLONE_UNTRACED});
  return true;
}

void Session::give_flags_back(Task& task) {
  if (task.untraced_flags)
    write_clone_flags(task, *std::exchange(task.untraced_flags, std::nullopt));
}

void Session::write_clone_flags(const Task& task, uint64_t flags) {
  const SyscallRow* row = find_syscall(task.clone_call.abi, task.clone_call.nr);
  if (row->name == "clone3") {
    const iovec local{&flags, sizeof flags};
    const iovec remote{reinterpret_cast<void*>(task.clone_call.args[0]), sizeof flags};
    (void)::process_vm_writev(task.tid, &local, 1, &remote, 1, 0);
    return;
  }
  const size_t first_argument = task.clone_call.abi == Abi::kI386 ? offsetof(user_regs_struct, rbx)
                                                                  : offsetof(user_regs_struct, rdi);
  (void)::ptrace(PTRACE_POKEUSER, task.tid, first_argument, flags);
}

// SECCOMP_RET_TRAP and KILL undo the call (its number is back where the result would be) and raise
// SIGSYS: it was denied, whatever the register says.
bool Session::denied_by_signal(const Task& task, int64_t result) const {
  if (!task.process->own_filter || result != int64_t(task.call_nr)) return false;
  const auto status = read_status(task.tid);
  return status && (status->pending_signals >> (SIGSYS - 1) & 1) != 0;
}

// SECCOMP_MODE_STRICT cannot be had on top of our filter: the kernel says EINVAL. So we grant it
// ourselves (the task stops at every call from now on) and enforce it: read, write, _exit and
// sigreturn, anything else is SIGKILL (seccomp(2)).
void Session::grant_strict(Task& task) {
  task.asks_strict = false;
  task.strict = true;
  (void)::ptrace(PTRACE_POKEUSER, task.tid, offsetof(user_regs_struct, rax), 0L);
}

bool Session::enforce_strict(Task& task, const SyscallCall& call) {
  if (!task.strict) return false;
  static constexpr std::string_view kAllowed[] = {"read", "write", "exit", "rt_sigreturn",
                                                  "sigreturn"};
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  if (row && std::find(std::begin(kAllowed), std::end(kAllowed), row->name) != std::end(kAllowed))
    return false;
  return ::kill(task.tid, SIGKILL) == 0;
}

bool Session::begin_call(Task& task, const SyscallCall& call) {
  task.may_restart = false;
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  if (row) {
    if (attention(*row, call.args) == Attention::kNone) return false;
    if (row->changes_rights) note_rights(task, *row, call);
  }
  task.call_abi = call.abi;
  task.call_nr = call.nr;
  task.pending = decoder_.enter(task.view, call);
  if (!task.pending) return false;
  if (content_) {
    for (const auto& change : task.pending->may_change())
      content_->before_change(change.file, change.keeps_content);
  }
  return true;
}

// From the entry on: whether the call succeeds makes no difference to what may be relied on.
void Session::note_rights(Task& task, const SyscallRow& row, const SyscallCall& call) {
  task.process->rights_changed = true;
  if (!installs_filter(row, call)) return;
  const uint64_t mode = row.name == "prctl" ? call.args[1] - 1 : call.args[0];
  task.asks_strict = mode == SECCOMP_SET_MODE_STRICT && stops_ != Stops::kSyscall;
  if (std::exchange(task.process->own_filter, true)) return;
  if (stops_ == Stops::kSyscall) return;
  if (row.name == "seccomp" && (call.args[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER) && notifier_)
    emit(&task, GapEvent{"seccomp listener refused",
                         "one listener per process is allowed and fptrace holds it; use --stops "
                         "filter for programs that need their own"});
  if (notifier_ && row.name == "seccomp" && asks_for_tracer(task.view, call.args[2]))
    emit(&task, GapEvent{"seccomp trace action overruled",
                         "calls that fptrace watches do not reach the program's own tracer; use "
                         "--stops syscall"});
  // Each thread has to go over to plain stops; the filter may be for all of them (TSYNC).
  for (Task* t : tracees_.of(*task.process))
    (void)::ptrace(PTRACE_INTERRUPT, t->tid, nullptr, nullptr);
}

void Session::end_call(Task& task, int64_t result) {
  if (will_restart(result)) {
    // Same call, same arguments, soon again: keep what was seen at its entry and wait for its end.
    task.may_restart = true;
    task.await = Await::kExit;
    return;
  }
  const std::unique_ptr<PendingCall> pending = std::move(task.pending);
  if (result == -ENOSYS && task.call_abi == Abi::kX32) return;  // not made at all
  std::vector<EventBody> bodies;
  decoder_.leave(task.view, *pending, result, bodies);
  const std::string host_root = task.view.host_root();  // before what this call may change
  for (auto& body : bodies) {
    const auto* path = std::get_if<PathEvent>(&body);
    if (path && path->op == PathOp::kChdir) task.view.forget_cwd();
    const bool moves_root = std::holds_alternative<MountEvent>(body) ||
                            (path && path->op == PathOp::kChroot && path->error == 0);
    if (const auto* exec = std::get_if<ExecEvent>(&body)) check_setuid(task, *exec);
    if (auto* socket = std::get_if<SocketEvent>(&body); socket && socket->peer_pid != 0)
      socket->peer_traced = tracees_.find(socket->peer_pid) != nullptr;
    if (moves_root)
      for (Task* t : tracees_.all()) t->view.forget_file_system();
    if (openers_) tell_opener(task, body);
    if (!host_root.empty()) to_host_names(body, host_root);
    emit(&task, std::move(body));
  }
  if (content_) emit_contents();
}

// The task stands right behind the call, with the caller's stack as it was; unless the call was
// predicted, which open calls never are then.
void Session::tell_opener(Task& task, EventBody& body) {
  if (auto* open = std::get_if<OpenEvent>(&body)) open->opener = openers_->opener(task.view);
  const auto* exec = std::get_if<ExecEvent>(&body);
  const bool new_code = std::holds_alternative<MmapEvent>(body) || (exec && exec->error == 0);
  if (new_code) openers_->forget(task.process->key.pid);
}

void Session::emit_contents() {
  bodies_.clear();
  content_->take_ready(bodies_);
  for (auto& body : bodies_) emit(nullptr, std::move(body));
}

// A signal that arrives while a call waits to be noticed makes the kernel abandon it with
// -ERESTARTSYS; a handler without SA_RESTART would turn that into an EINTR that the call never
// returns by itself. -ERESTARTNOINTR starts it again in every case.
bool Session::cure_eintr(Task& task) {
  if (task.may_restart || task.await != Await::kNothing) return false;
  user_regs_struct regs{};
  if (::ptrace(PTRACE_GETREGS, task.tid, nullptr, &regs) < 0) return false;
  if (int32_t(regs.rax) != -512 || int64_t(regs.orig_rax) < 0) return false;
  const bool is_i386 = regs.cs == 0x23;
  const uint64_t nr = regs.orig_rax & ~kX32Bit;
  const Abi abi = is_i386 ? Abi::kI386 : (regs.orig_rax & kX32Bit) ? Abi::kX32 : Abi::kX86_64;
  const SyscallRow* row = find_syscall(abi, nr);
  if (!row || row->attention == Attention::kNone || returns_eintr(*row)) return false;
  constexpr uint64_t kRestartNoIntr = uint64_t(-513);
  return ::ptrace(PTRACE_POKEUSER, task.tid, offsetof(user_regs_struct, rax), kRestartNoIntr) == 0;
}

}  // namespace fptrace::ptrace
