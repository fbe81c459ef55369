#include "backends/emu/plugin/taint.h"

#include <new>

#include "backends/emu/plugin/plugin_channel.h"
#include "backends/emu/plugin/taint_feed.h"

namespace fptrace::emu {
namespace {

TaintFeed* g_feed = nullptr;

void on_load(unsigned, qemu_plugin_meminfo_t info, uint64_t vaddr, void* place) {
  g_feed->on_access(CodePlace(place), info, vaddr, false);
}
void on_store(unsigned, qemu_plugin_meminfo_t info, uint64_t vaddr, void* place) {
  g_feed->on_access(CodePlace(place), info, vaddr, true);
}
void on_block(unsigned, void* block) { g_feed->on_block(*static_cast<CodeBlock*>(block)); }
void on_site(unsigned, void* place) { g_feed->on_site(CodePlace(place)); }
void on_flush(unsigned, void*) { g_feed->on_flush(); }

bool on_request(Wire&, Request& request) { return g_feed->handle(request); }

void out_of_memory() {
  give_up(
      "fptrace plugin: no memory is left for the labels of taint; label less, or ask for fewer "
      "runs of labels in a set (--max-labels)\n");
}

}  // namespace

void start_taint(const TaintHost& host) {
  std::set_new_handler(out_of_memory);
  g_feed = new TaintFeed(host);
  add_request_handler(on_request);
}

CodeBlock& taint_block(qemu_plugin_tb* block, bool is_user, bool is_64bit) {
  CodeBlock& code = g_feed->blocks().find(block, is_user, is_64bit);
  qemu_plugin_register_vcpu_tb_exec_cond_cb(block, on_block, QEMU_PLUGIN_CB_R_REGS,
                                            QEMU_PLUGIN_COND_NE, g_feed->active_word(), 0, &code);
  return code;
}

void taint_instruction(qemu_plugin_insn* instruction, CodeBlock& block, uint32_t index,
                       InstructionKind kind) {
  void* const place = CodePlace(block, index).to_pass();
  qemu_plugin_register_vcpu_mem_cb(instruction, on_load, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_MEM_R,
                                   place);
  qemu_plugin_register_vcpu_mem_cb(instruction, on_store, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_MEM_W,
                                   place);
  if (kind == InstructionKind::kFlush)
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_flush, QEMU_PLUGIN_CB_NO_REGS, nullptr);
  else if (kind != InstructionKind::kOther)
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_site, QEMU_PLUGIN_CB_NO_REGS, place);
}

void finish_taint() { g_feed->finish(); }

}  // namespace fptrace::emu
