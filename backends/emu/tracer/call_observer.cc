#include "backends/emu/tracer/call_observer.h"

#include "backends/emu/tracer/kernel_hooks.h"

namespace fptrace::emu {
namespace {

using End = ObservedCall::End;

int64_t result_of(const SyscallCall& call, uint64_t rax) {
  return call.abi == Abi::kI386 ? int64_t(int32_t(rax)) : int64_t(rax);
}

// Results that the kernel keeps to itself (include/linux/errno.h).
bool is_restart(int64_t result) {
  return result == -512 || result == -513 || result == -514 || result == -516;
}

}  // namespace

Result<Observer::Next> CallObserver::stopped(const Sight& sight) {
  GuestThread* const thread = sight.threads.find(sight.stop().task);
  if (!thread) return Next::kGoOn;
  Result<void> ok;
  if (sight.stop().kind == StopKind::kSyscall) ok = on_entry(sight, *thread);
  if (sight.stop().kind == StopKind::kReturn) ok = on_return(sight, *thread);
  if (sight.stop().kind == StopKind::kHook) {
    const Hook hook = Hook(sight.stop().detail);
    if (hook == Hook::kSignalWork) ok = on_signal(sight, *thread);
    if (hook == Hook::kTaskEnd) ok = close(sight, thread->task, End::kNever, 0);
  }
  if (!ok) return fail(ok.error());
  return Next::kGoOn;
}

Result<void> CallObserver::on_entry(const Sight& sight, GuestThread& thread) {
  const StopRecord& stop = sight.stop();
  if (auto ok = close(sight, thread.task, End::kRestarted, 0); !ok) return ok;
  Open open;
  open.site = stop.cpu.rip;
  ObservedCall& call = open.call;
  call.pid = thread.process->key.pid;
  call.tid = thread.tid;
  if (const auto info = sight.guest.tasks().info(thread.task)) call.name = info->comm;
  call.begin = sight.instructions();
  call.call = call_of(stop.cpu, EntryKind(stop.detail), thread.view);
  call.text = call_text(thread.view, call.call);
  open_.insert_or_assign(thread.task, std::move(open));
  return {};
}

Result<void> CallObserver::on_return(const Sight& sight, GuestThread& thread) {
  const auto it = open_.find(thread.task);
  if (it == open_.end()) return {};
  const CpuState& cpu = sight.stop().cpu;
  if (cpu.rip == it->second.site) return close(sight, thread.task, End::kRestarted, 0);
  ObservedCall& call = it->second.call;
  const int64_t result = result_of(call.call, cpu.gpr[kRax]);
  const bool new_program = thread.is_exec && sight.guest.mm(thread.task) != thread.mm;
  add_results(thread.view, call.call, result, call.text);
  return close(sight, thread.task, End::kReturned, new_program ? 0 : result);
}

// What runs next in user mode may be a handler, whose registers are not the call's.
Result<void> CallObserver::on_signal(const Sight& sight, GuestThread& thread) {
  const auto it = open_.find(thread.task);
  const auto saved = sight.guest.saved_registers(thread.task);
  if (it == open_.end() || !saved || int64_t(saved->orig_rax) < 0) return {};
  const int64_t result = result_of(it->second.call.call, saved->rax);
  if (is_restart(result)) return close(sight, thread.task, End::kRestarted, 0);
  add_results(thread.view, it->second.call.call, result, it->second.call.text);
  return close(sight, thread.task, End::kReturned, result);
}

Result<void> CallObserver::close(const Sight& sight, uint64_t task, End how, int64_t result) {
  const auto it = open_.find(task);
  if (it == open_.end()) return {};
  ObservedCall call = std::move(it->second.call);
  open_.erase(it);
  call.end = sight.instructions();
  call.how = how;
  call.result = result;
  return tell_(call);
}

Result<void> CallObserver::program_ended(const Sight& sight) {
  while (!open_.empty())
    if (auto ok = close(sight, open_.begin()->first, End::kNever, 0); !ok) return ok;
  return {};
}

}  // namespace fptrace::emu
