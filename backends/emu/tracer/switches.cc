#include "backends/emu/tracer/switches.h"

namespace fptrace::emu {

void Switches::tell(const Sight& sight, uint64_t task) {
  const GuestKernel& kernel = sight.guest.kernel();
  const GuestTasks& tasks = sight.guest.tasks();
  const auto info = tasks.info(task);
  if (!info) return;
  Runner who;
  who.name = info->comm;
  if (task == kernel.init_task()) {
    who.kind = Runner::Kind::kIdle;
  } else if (info->kernel_thread) {
    who.kind = Runner::Kind::kKernelThread;
  } else {
    const auto leader = tasks.id(kernel.pointer(task, kernel.layout().task.group_leader));
    who.pid = info->pid;
    who.start = leader ? leader->start_time : info->id.start_time;
  }
  runs(sight.instructions(), who);
}

Result<Observer::Next> Switches::program_begins(const Sight& sight) {
  tell(sight, sight.stop().task);
  return Next::kGoOn;
}

Result<Observer::Next> Switches::stopped(const Sight& sight) {
  if (sight.stop().kind != StopKind::kSwitch) return Next::kGoOn;
  const uint64_t before = sight.stop().cpu.gpr[kRdi];
  const auto info = sight.guest.tasks().info(before);
  const bool program = info && !info->kernel_thread && before != sight.guest.kernel().init_task();
  if (program) renamed(info->comm);
  tell(sight, sight.stop().task);
  return Next::kGoOn;
}

Result<void> Switches::program_ended(const Sight& sight) {
  ends(sight.instructions());
  return {};
}

}  // namespace fptrace::emu
