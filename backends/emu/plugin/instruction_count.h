#pragma once
#include <cstddef>
#include <cstdint>

#include "backends/emu/channel/wire.h"
#include "backends/emu/plugin/qemu_plugin_api.h"

namespace fptrace::emu {

// Counts the instructions that the guest begins: one that faults counts again when it is begun
// again, and so does each round of a repeated string instruction. Every replay counts the same.
class InstructionCount {
 public:
  // Once, when the plugin is loaded. `on_reached` is called before the instruction that
  // follows those that stop_at() names, with its address, and may read registers.
  void set_up(const Wire& wire, qemu_plugin_vcpu_udata_cb_t on_reached);
  // Of the first of each run of instructions that are all begun if it is, as long as none but the
  // last has callbacks that ask for the count. Before any other callback of it. With moments each
  // instruction is a run of its own.
  void instrument(qemu_plugin_insn* first, size_t size);

  // Begun so far, with the one that a callback is for; 0 when nothing is counted.
  uint64_t now() const;
  // What now() is the sum of, for who asks often. Once set up.
  const uint64_t* counter() const;
  const uint64_t* base() const { return &base_; }
  // One moment at a time; one that is over is never reached.
  void stop_at(uint64_t instructions);

 private:
  const Wire* wire_ = nullptr;
  qemu_plugin_vcpu_udata_cb_t on_reached_ = nullptr;
  // What QEMU adds to in its own code. The code is made once, and compares with a constant; so it
  // is the counter that is set to reach 0 at the moment that is asked for.
  qemu_plugin_u64 counter_{};
  uint64_t base_ = 0;  // what the counter lacks
};

}  // namespace fptrace::emu
