#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/emu/taint/ops.h"

namespace fptrace::emu::taint {

namespace jit {
struct HotCode;
}

// What is to be known of registers before operations are executed.
struct Summary {
  // Without a label in these and in the memory accessed, no output has a label.
  RegisterMask reads = 0;
  RegisterMask address_reads = 0;  // the same, under the policy for pointers, of addresses
  RegisterMask writes = 0;         // may change
  RegisterMask kills = 0;          // every byte is written
};

struct Instruction {
  enum Flag : uint8_t {
    kIsBranch = 1,      // conditional
    kIsJump = 2,        // to a computed address, or a return
    kIsString = 4,      // one that may repeat itself
    kUnmodelled = 8,    // see OpCode::kUnmodelled
    kAnyAccesses = 16,  // how many bytes are accessed is not known beforehand
    kIsXsave = 32       // its area starts at a multiple of 64
  };
  uint32_t first_op = 0, first_whole_op = 0;
  uint16_t op_count = 0, whole_op_count = 0;
  // Without kAnyAccesses, so many bytes are loaded and stored, or it did not complete.
  uint16_t load_bytes = 0, store_bytes = 0;
  uint8_t flags = 0;
  uint8_t size = 0;       // of its encoding, in bytes
  uint16_t mnemonic = 0;  // see mnemonic_name()
  Summary summary;
};

// A run of instructions that are executed one after the other, as translated by the emulator.
struct Block {
  std::vector<Instruction> instructions;
  uint64_t executions = 0;  // for whoever wants to know how hot it is
  // Of the second tier, for itself alone, if there is one; see jit/hot_blocks.h.
  const jit::HotCode* hot_code = nullptr;
  std::vector<Op> ops;  // of all instructions, in order
  // The same without what nothing looks at when all are executed: mostly flags.
  std::vector<Op> whole_ops;
  Summary summary;  // of all together
  bool has_unmodelled = false;
};

// The reading and writing of the operations, for whatever runs them one after the other.
Summary summarise(std::span<const Op> ops);

// Decodes with Capstone. One thread.
class Decoder {
 public:
  static constexpr size_t kMostBytes = 15;  // of an instruction
  // The emulator's own limit for one translation.
  static constexpr size_t kMostInstructions = 512;

  Decoder();
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Appends the instruction that these bytes are, of 64-bit or 32-bit code, to the block. Bytes
  // that are none known become one that does nothing and counts as unmodelled; its name is
  // "(unknown)".
  void decode(const uint8_t* bytes, size_t size, bool is_64bit, Block& block);
  // To be called after the last one.
  static void finish(Block& block);

  // Of an Instruction::mnemonic, which is Capstone's own number for it.
  const char* mnemonic_name(uint16_t mnemonic) const;

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

// Blocks by the bytes of their instructions: what they do does not depend on where they are. One
// thread.
class BlockCache {
 public:
  struct Piece {
    const uint8_t* bytes;
    size_t size;
  };
  // `instructions` are the block's, one after the other. The block is valid as long as the cache.
  Block& find(std::span<const Piece> instructions, bool is_64bit);
  size_t size() const { return blocks_.size(); }
  Decoder& decoder() { return decoder_; }

 private:
  Decoder decoder_;
  std::string key_;  // kept for its memory
  std::unordered_map<std::string, std::unique_ptr<Block>> blocks_;
};

}  // namespace fptrace::emu::taint
