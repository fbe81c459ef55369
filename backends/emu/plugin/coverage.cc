#include "backends/emu/plugin/coverage.h"

#include <stdlib.h>

#include "backends/emu/plugin/plugin_channel.h"

namespace fptrace::emu {

// As long as QEMU may run the block: it does not say when it drops one.
struct Coverage::Block {
  Coverage* coverage;
  uint64_t translated;  // its address when it was; see RegisterFile::pc
  uint32_t size;
  uint64_t last_life;  // that it was seen in: most blocks run many times in a row in one
};

void Coverage::set_up(Wire& wire, TaskLives& lives, RegisterFile& registers, uint64_t (*current)(),
                      uint64_t (*count)()) {
  wire_ = &wire;
  lives_ = &lives;
  registers_ = &registers;
  current_ = current;
  count_ = count;
}

void Coverage::instrument(qemu_plugin_tb* block) {
  const size_t count = qemu_plugin_tb_n_insns(block);
  if (!wire_->want_blocks || count == 0) return;
  uint32_t size = 0;
  for (size_t i = 0; i < count; ++i)
    size += uint32_t(qemu_plugin_insn_size(qemu_plugin_tb_get_insn(block, i)));
  auto* const own = static_cast<Block*>(::malloc(sizeof(Block)));
  if (!own) return;
  *own = {this, qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0)), size, 0};
  qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, QEMU_PLUGIN_CB_R_REGS, own);
}

bool Coverage::handle(const Request& request) {
  if (request.kind != uint32_t(RequestKind::kCoverage)) return false;
  on_ = true;
  return true;
}

void Coverage::on_block(unsigned, void* block) {
  auto& own = *static_cast<Block*>(block);
  if (own.coverage->on_) own.coverage->run(own);
}

void Coverage::run(Block& block) {
  const uint64_t task = current_();
  if (task != last_task_) {
    last_task_ = task;
    const bool watched = task != 0 && (task_flags(*wire_, task) & kWatchCalls) != 0;
    last_life_ = watched ? lives_->life(task) : 0;
  }
  if (last_life_ == 0 || last_life_ == block.last_life) return;
  block.last_life = last_life_;
  bool fresh = false;
  const uint64_t vaddr = registers_->pc(block.translated);
  seen_.at(last_life_ << 32 | block.size, vaddr, &fresh);
  if (!fresh) return;
  Report report{};
  report.kind = uint32_t(ReportKind::kBlock);
  report.detail = block.size;
  report.count = count_();
  report.task = task;
  report.vaddr = vaddr;
  add_report(*wire_, report);
}

}  // namespace fptrace::emu
