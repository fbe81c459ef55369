#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/emu/plugin/qemu_plugin_api.h"
#include "backends/emu/taint/decode.h"

namespace fptrace::emu {

// What is known of an instruction of a block.
struct CodeSite {
  uint16_t offset;   // of its address to the block's: QEMU's blocks are within two pages
  uint32_t finding;  // Findings' index of it, as far as that is known
};

// Code as QEMU translated it, at its place. What no thread is named for is constant.
struct alignas(64) CodeBlock {
  // First what is looked at each time it runs, in one line of the cache.
  uint32_t size = 0;  // instructions
  bool is_64bit = false;
  // Of whoever follows labels.
  bool has_unmodelled = false;
  taint::Block* ops = nullptr;  // decoded when it is first needed, and then
  taint::RegisterMask reads = 0, address_reads = 0, kills = 0;  // of its summary
  uint64_t vaddr = 0, task = 0;  // where it is, for the task that ran it last; 0: the kernel's
  std::vector<CodeSite> sites;   // one for each instruction
  // As is_user, which is in the other line; once it was located.
  bool is_of_program() const { return task != 0; }

  // What the vCPU's thread looks at, in another one. Its own: the task that it was last located
  // for, in that time of the task.
  alignas(64) uint64_t located_task = 0;
  uint64_t located_time = 0;
  bool is_user = false;
  uint64_t translated = 0;  // its address when it was: see RegisterFile::pc
  std::string bytes;        // of all instructions
};

// An instruction of a block, as its callbacks are told of it: in the pointer that they are given,
// so that they need not look it up. A program's addresses have 47 bits.
class CodePlace {
 public:
  CodePlace(const CodeBlock& block, uint32_t index)
      : bits_(reinterpret_cast<uint64_t>(&block) | uint64_t{index} << kIndexShift) {}
  explicit CodePlace(void* passed) : CodePlace(reinterpret_cast<uint64_t>(passed)) {}
  explicit CodePlace(uint64_t bits) : bits_(bits) {}
  uint64_t bits() const { return bits_; }
  void* to_pass() const { return reinterpret_cast<void*>(bits_); }

  CodeBlock& block() const {
    return *reinterpret_cast<CodeBlock*>(bits_ & ((uint64_t{1} << kIndexShift) - 1));
  }
  uint32_t index() const { return uint32_t(bits_ >> kIndexShift); }

 private:
  static constexpr unsigned kIndexShift = 48;
  uint64_t bits_;
};

// QEMU translates the same code again and again; callbacks may outlive a translation. One thread.
class CodeBlocks {
 public:
  CodeBlock& find(const qemu_plugin_tb* block, bool is_user, bool is_64bit);

 private:
  std::unordered_map<std::string, std::unique_ptr<CodeBlock>> blocks_;
  std::string key_;  // kept for its memory
};

}  // namespace fptrace::emu
