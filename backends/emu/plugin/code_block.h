#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/emu/plugin/qemu_plugin_api.h"
#include "backends/emu/taint/decode.h"

namespace fptrace::emu {

struct CodeBlock;

// An instruction of a block; what its callbacks are given.
struct CodeSite {
  CodeBlock* block;
  uint16_t index;
  uint16_t offset;   // of its address to the block's: QEMU's blocks are within two pages
  uint32_t finding;  // Findings' index of it, as far as that is known
};

// Code as QEMU translated it, at its place.
struct alignas(64) CodeBlock {
  // First what is looked at each time it runs, in one line of the cache.
  taint::Block* ops = nullptr;  // decoded when it is first needed, and then
  taint::RegisterMask reads = 0, address_reads = 0, kills = 0;  // of its summary
  // Where it is, for the task that ran it last, in that time of the task.
  uint64_t vaddr = 0, task = 0, time = 0;
  uint32_t size = 0;  // instructions
  bool is_user = false, is_64bit = false, has_unmodelled = false, has_xsave = false;

  uint64_t translated = 0;      // its address when it was: see RegisterFile::pc
  std::string bytes;            // of all instructions
  std::vector<CodeSite> sites;  // one for each
};

// QEMU translates the same code again and again; callbacks may outlive a translation.
class CodeBlocks {
 public:
  CodeBlock& find(const qemu_plugin_tb* block, bool is_user, bool is_64bit);
  taint::Block& ops(CodeBlock& block) { return block.ops ? *block.ops : decode(block); }
  const char* mnemonic(uint16_t number) { return cache_.decoder().mnemonic_name(number); }
  uint64_t decoded() const { return cache_.size(); }

 private:
  taint::Block& decode(CodeBlock& block);

  taint::BlockCache cache_;
  std::unordered_map<std::string, std::unique_ptr<CodeBlock>> blocks_;
  std::string key_;  // kept for its memory
};

}  // namespace fptrace::emu
