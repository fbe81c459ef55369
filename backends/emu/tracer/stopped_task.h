#pragma once
#include <utility>

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
  size_t read_memory(uint64_t addr, void* out, size_t size) override {
    const size_t got = GuestTask::read_memory(addr, out, size);
    missed_ = missed_ || (got == 0 && size > 0);
    return got;
  }
  // Whether something could not be read since the last question: the program has not touched it
  // yet, and the kernel has not read it from the disk.
  bool take_missed() { return std::exchange(missed_, false); }

  // Those of user mode at this stop, or nullptr when they are not at hand. Not owned.
  void show_registers(const CpuState* cpu) { cpu_ = cpu; }

 private:
  const CpuState* cpu_ = nullptr;
  bool missed_ = false;
};

}  // namespace fptrace::emu
