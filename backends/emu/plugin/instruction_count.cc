#include "backends/emu/plugin/instruction_count.h"

namespace fptrace::emu {

void InstructionCount::set_up(const Wire& wire, qemu_plugin_vcpu_udata_cb_t on_reached) {
  wire_ = &wire;
  on_reached_ = on_reached;
  counter_ = {qemu_plugin_scoreboard_new(sizeof(uint64_t)), 0};
}

const uint64_t* InstructionCount::counter() const {
  return static_cast<const uint64_t*>(qemu_plugin_scoreboard_find(counter_.score, 0));
}

void InstructionCount::instrument(qemu_plugin_insn* first, size_t size) {
  if (!wire_->want_count && !wire_->want_taint) return;
  qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(first, QEMU_PLUGIN_INLINE_ADD_U64, counter_,
                                                      size);
  if (wire_->want_moment)
    qemu_plugin_register_vcpu_insn_exec_cond_cb(
        first, on_reached_, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_COND_EQ, counter_, 0,
        reinterpret_cast<void*>(qemu_plugin_insn_vaddr(first)));
}

uint64_t InstructionCount::now() const {
  return wire_->want_count ? qemu_plugin_u64_get(counter_, 0) + base_ : 0;
}

void InstructionCount::stop_at(uint64_t instructions) {
  const uint64_t count = now();
  base_ = instructions + 1;  // begun, when as many are over
  qemu_plugin_u64_set(counter_, 0, count - base_);
}

}  // namespace fptrace::emu
