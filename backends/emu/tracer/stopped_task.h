#pragma once
#include "backends/emu/osi/guest_task.h"
#include "backends/emu/tracer/guest.h"

namespace fptrace::emu {

// A task of the guest with the registers that it stands still with.
class StoppedTask final : public GuestTask {
 public:
  using GuestTask::GuestTask;

  Result<Registers> registers() override {
    if (!cpu_) return fail(Errc::kUnsupported, "registers of a task that is in the kernel");
    return registers_of(*cpu_);
  }
  // Those of user mode at this stop, or nullptr when they are not at hand. Not owned.
  void show_registers(const CpuState* cpu) { cpu_ = cpu; }

 private:
  const CpuState* cpu_ = nullptr;
};

}  // namespace fptrace::emu
