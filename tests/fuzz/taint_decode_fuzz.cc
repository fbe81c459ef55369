// fuzz-deps: fptrace::emu_taint_engine
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "backends/emu/taint/execute.h"

namespace {

using namespace fptrace::emu::taint;

// What the first byte says: 64-bit or 32-bit code, the policy, and how the log is cut into pieces.
struct Choice {
  bool is_64bit, pointers, incomplete;
  uint8_t piece;
};

// A log as the instruction wants it, or, of those without a size, whatever comes first.
void add_accesses(const Instruction& instruction, uint16_t index, const Choice& choice,
                  std::vector<Access>& log) {
  const bool any = (instruction.flags & Instruction::kAnyAccesses) != 0;
  for (const bool is_store : {false, true}) {
    const uint32_t wanted = is_store ? instruction.store_bytes : instruction.load_bytes;
    const uint32_t size = any ? std::max(wanted, 96u) : wanted;
    for (uint32_t done = 0; done < size;) {
      Access access{};
      access.size = uint8_t(std::min<uint32_t>({size - done, Access::kMostBytes, choice.piece}));
      access.vaddr = 0x7ffffffffff0 + done;
      access.paddr = 0x1ff0 + done;
      access.paddr2 = 0x9000;
      access.is_store = is_store;
      access.instruction = index;
      std::memset(access.value, int(done), sizeof access.value);
      log.push_back(access);
      done += access.size;
    }
  }
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Choice choice{(data[0] & 1) != 0, (data[0] & 2) != 0, (data[0] & 4) != 0,
                      uint8_t(1 + (data[0] >> 3 & 15))};
  ++data;
  --size;

  static Decoder decoder;
  Block block;
  std::vector<Access> log;
  while (size != 0 && block.instructions.size() < 16) {
    const size_t length = std::min<size_t>({size, 1u + data[0] % Decoder::kMostBytes, size - 1});
    if (length == 0) break;
    decoder.decode(data + 1, length, choice.is_64bit, block);
    add_accesses(block.instructions.back(), uint16_t(block.instructions.size() - 1), choice, log);
    data += 1 + length;
    size -= 1 + length;
  }
  if (block.instructions.empty()) return 0;
  Decoder::finish(block);
  if (choice.incomplete && !log.empty()) log.pop_back();

  static ShadowMemory memory;
  static LabelSets sets;
  RegisterShadow registers;
  for (uint16_t i = 0; i < kTemps; ++i)
    if (i < kX87 || i >= kFlags || (i - kX87) % kX87Bytes < 10)
      registers.bytes[i] = LabelSets::single(i);
  registers.bytes[flag_at(7)] = kNoLabel;
  registers.refresh(~RegisterMask{0});
  FindingList findings;
  Policy policy;
  policy.pointers = choice.pointers;
  policy.instructions = choice.incomplete;
  execute(block, 0, uint32_t(block.instructions.size()), log, policy, {registers, memory, sets},
          findings);

  // The mask is exact, and each operation stays within the registers.
  for (unsigned bit = 0; bit < 64; ++bit)
    require(registers.any_labelled(bit) == ((registers.labelled >> bit & 1) != 0));
  for (const Op& op : block.ops) require(op.code < OpCode::kCount);
  if (sets.wants_collection()) {
    sets.begin_collection();
    memory.for_each_page([](uint64_t, const ShadowPage& page) {
      for (uint32_t i = 0; i < kShadowPageSize; ++i) sets.mark(page.label(i));
    });
    sets.end_collection();
  }
  return 0;
}
