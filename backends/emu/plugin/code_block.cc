#include "backends/emu/plugin/code_block.h"

namespace fptrace::emu {
namespace {

void append(std::string& text, uint64_t number) {
  text.append(reinterpret_cast<const char*>(&number), sizeof number);
}

}  // namespace

CodeBlock& CodeBlocks::find(const qemu_plugin_tb* block, bool is_user, bool is_64bit) {
  const size_t count = qemu_plugin_tb_n_insns(block);
  auto made = std::make_unique<CodeBlock>();
  made->translated = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0));
  made->size = uint32_t(count);
  made->is_user = is_user;
  made->is_64bit = is_64bit;
  key_.clear();
  append(key_, made->translated * 2 + is_64bit);
  append(key_, count);
  for (size_t i = 0; i < count; ++i) {
    const qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    uint8_t bytes[taint::Decoder::kMostBytes];
    const size_t size = qemu_plugin_insn_data(instruction, bytes, sizeof bytes);
    made->sites.push_back({uint16_t(made->bytes.size()), 0});
    made->bytes.append(reinterpret_cast<const char*>(bytes), size);
  }
  key_ += made->bytes;
  auto& place = blocks_[key_];
  if (!place) place = std::move(made);
  return *place;
}

}  // namespace fptrace::emu
