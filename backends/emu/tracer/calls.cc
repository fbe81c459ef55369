#include "backends/emu/tracer/session.h"
#include "common/path/host_names.h"
#include "common/proc/mountinfo.h"
#include "common/syscall/arguments.h"

// System calls, from their entry to their return.

namespace fptrace::emu {
namespace {

bool is_exec(const SyscallCall& call) {
  const SyscallRow* row = find_syscall(call.abi, call.nr);
  return row && (row->name == "execve" || row->name == "execveat");
}

}  // namespace

Result<void> Session::on_call() {
  GuestThread* const thread = find_or_adopt(stop().task);
  if (!thread) return {};
  // A call that waits for its return and is made once more was interrupted: the kernel has the
  // instruction executed again (-ERESTART*), now or after a handler. It begins anew.
  thread->pending.reset();
  const StopRecord& at = stop();
  thread->view.show_registers(&at.cpu);
  thread->call = call_of(at.cpu, EntryKind(at.detail), thread->view);
  const SyscallRow* row = find_syscall(thread->call.abi, thread->call.nr);
  (void)thread->view.take_missed();
  if (!row || attention(*row, thread->call.args) != Attention::kNone)
    thread->pending = decoder_.enter(thread->view, thread->call);
  thread->partial = thread->view.take_missed();
  thread->view.show_registers(nullptr);
  if (!thread->pending)
    return watch(*thread, options_.calls == Calls::kAll ? uint32_t{kAwaitReturn} : 0);
  if (tracker_) {
    for (const auto& change : thread->pending->may_change())
      tracker_->before_change(change.file, change.keeps_content);
  }
  thread->call_site = at.cpu.rip;
  thread->outer_root = foreign_root(*thread);  // before what this call may change
  thread->is_exec = is_exec(thread->call);
  thread->mm = thread->is_exec ? guest_->mm(thread->task) : 0;
  const bool look_again = thread->is_exec && thread->partial;
  return watch(*thread, kAwaitReturn | (look_again ? uint32_t{kAwaitNewProgram} : 0));
}

Result<void> Session::on_return() {
  GuestThread* thread = threads_.find(stop().task);
  if (!thread || !thread->pending) return thread ? watch(*thread) : Result<void>();
  const CpuState& cpu = stop().cpu;
  if (cpu.rip == thread->call_site) return {};  // it will be executed again
  const bool new_program = thread->is_exec && guest_->mm(thread->task) != thread->mm;
  if (new_program) thread = &on_exec_done(*thread);
  thread->view.show_registers(&cpu);
  const bool narrow = thread->call.abi == Abi::kI386;
  const auto result = narrow ? int64_t(int32_t(cpu.gpr[kRax])) : int64_t(cpu.gpr[kRax]);
  end_call(*thread, new_program ? 0 : result);
  thread->view.show_registers(nullptr);
  thread->view.forget_program();
  return watch(*thread);
}

void Session::end_call(GuestThread& thread, int64_t result) {
  // By now the kernel has read what it needed. After an exec that is gone: see on_new_program().
  if (thread.partial && !thread.is_exec) {
    if (auto again = decoder_.enter(thread.view, thread.call)) thread.pending = std::move(again);
  }
  const std::unique_ptr<PendingCall> pending = std::move(thread.pending);
  if (result == -ENOSYS && thread.call.abi == Abi::kX32) return;  // not made at all
  std::vector<EventBody> bodies;
  decoder_.leave(thread.view, *pending, result, bodies);
  for (auto& body : bodies) {
    if (auto* socket = std::get_if<SocketEvent>(&body); socket && socket->peer_pid != 0)
      socket->peer_traced = threads_.find_process(socket->peer_pid) != nullptr;
    if (const auto* mount = std::get_if<MountEvent>(&body)) learn_overlay(thread, *mount);
    if (openers_) tell_opener(thread, body);
    if (!thread.outer_root.empty()) to_host_names(body, thread.outer_root);
    emit(&thread, std::move(body));
  }
  if (tracker_) emit_contents();
}

// Where the trace's root has the task's root directory, when the task calls it "/" but it is
// another directory (pivot_root in a mount namespace of its own). Empty otherwise.
std::string Session::foreign_root(GuestThread& thread) {
  const auto root = thread.view.root();
  return root && root->path == "/" ? root->source : std::string();
}

// What an overlay is made of stands in the options of its mount(2), which nothing in the kernel's
// own types keeps: those of a module are not in its BTF.
void Session::learn_overlay(GuestThread& thread, const MountEvent& mount) {
  constexpr size_t kMostOptions = 4096;  // a page: copy_mount_options() in fs/namespace.c
  const SyscallRow* row = find_syscall(thread.call.abi, thread.call.nr);
  if (mount.error != 0 || mount.fstype != "overlay" || !row || row->name != "mount") return;
  const auto options = read_string(thread.view, thread.call.args[4], kMostOptions);
  const auto cwd = thread.view.cwd();
  GuestFileSystem& files = guest_->view().file_system_of(thread.task);
  const auto at = files.find(mount.target.file.path);
  if (!at) return;
  std::vector<Place> layers;
  for (const std::string& layer : overlay_layers(options.text)) {
    const bool absolute = layer.starts_with('/');
    if (!absolute && !cwd) continue;
    if (const auto place = files.find(absolute ? layer : cwd->path + "/" + layer))
      layers.push_back(*place);
  }
  const GuestKernel& kernel = guest_->kernel();
  const uint64_t super_block = kernel.pointer(at->mount, kernel.layout().mount.sb);
  guest_->view().learn_overlay(super_block, std::move(layers));
}

void Session::tell_opener(GuestThread& thread, EventBody& body) {
  if (auto* open = std::get_if<OpenEvent>(&body)) open->opener = openers_->opener(thread.view);
  const auto* exec = std::get_if<ExecEvent>(&body);
  const bool new_code = std::holds_alternative<MmapEvent>(body) || (exec && exec->error == 0);
  if (new_code) openers_->forget(thread.process->key.pid);
}

}  // namespace fptrace::emu
