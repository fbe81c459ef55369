#pragma once
#include <cstddef>
#include <cstdint>

#include "backends/emu/channel/wire.h"
#include "backends/emu/plugin/qemu_plugin_api.h"

namespace fptrace::emu {

// The vCPU's registers, found by name. Used in the vCPU's thread only.
class RegisterFile {
 public:
  // In the vCPU-init callback. False: a register is missing.
  bool find();
  // In callbacks that may read registers. `rip` and `rflags` are stale there: left as 0.
  void read(CpuState& cpu);
  uint64_t read_gpr(Gpr index) { return value(handles_[index]); }
  uint64_t read_cs() { return value(handles_[16]); }
  // Where the running instruction is, of which `translated` is the address that it was translated
  // for. QEMU's blocks are position independent (CF_PCREL in its target/i386): processes that share
  // a page of code share its blocks, wherever each of them has it mapped. `rip` may be stale inside
  // of a block, but all instructions of one begin in one page.
  uint64_t pc(uint64_t translated);
  // Guest memory by the page tables in force. False: not all of it can be read.
  bool read_memory(uint64_t addr, void* out, size_t size);

 private:
  static constexpr size_t kCount = 16 + 8 + 1;
  uint64_t value(qemu_plugin_register* handle);

  qemu_plugin_register* handles_[kCount] = {};
  GByteArray* buffer_ = nullptr;
};

}  // namespace fptrace::emu
