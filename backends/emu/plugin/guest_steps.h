#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backends/emu/plugin/code_block.h"
#include "backends/emu/plugin/word_queue.h"
#include "backends/emu/taint/access.h"

namespace fptrace::emu {

// What the vCPU's thread tells about the guest to the thread that follows labels, in words. The
// first word of each step has its kind in the upper 4 bits and, below, what CodePlace packs: the
// index of an instruction in 12 bits, and 48 bits.
enum class GuestStep : uint64_t {
  kBlock,      // block; instructions begun before it
  kLocated,    // block; the task that runs it, 0 for the kernel's code; where that has it
  kTask,       // -; the task that is the current one in the kernel's code that ran until now
  kElsewhere,  // block and instruction; instructions begun, with that one. What follows accesses
               // memory as instruction of this block, which was not told to begin
  kAccess,     // instruction and address; see AccessWords
  kFinish,     // -; instructions begun: all that was completed is to be carried out
};

constexpr unsigned kStepShift = 60;
constexpr uint64_t step_word(GuestStep step, uint64_t rest) {
  return uint64_t(step) << kStepShift | rest;
}
constexpr GuestStep step_of(uint64_t word) { return GuestStep(word >> kStepShift); }
inline CodePlace place_of(uint64_t word) {
  return CodePlace(word & ((uint64_t{1} << kStepShift) - 1));
}

inline uint64_t* write_step(uint64_t* words, GuestStep step, uint64_t rest, uint64_t value) {
  words[0] = step_word(step, rest);
  words[1] = value;
  return words + 2;
}

// An access. The second word has the number of the page in memory above kPageShift, and its offset
// is the address's; below are size and kind. Then come 8 bytes of the value, 8 more for one of 16,
// and the next page's address if it reaches there.
struct AccessWords {
  static constexpr uint64_t kStore = 1 << 8, kCrosses = 1 << 9, kSizeMask = 0xff;
  static constexpr unsigned kPageShift = 12, kAddressBits = 48;

  static uint64_t first(uint32_t instruction, uint64_t vaddr) {
    return step_word(GuestStep::kAccess, uint64_t{instruction} << kAddressBits |
                                             (vaddr & ((uint64_t{1} << kAddressBits) - 1)));
  }
  static uint64_t second(uint64_t page_paddr, uint32_t size, bool is_store, bool crosses) {
    return page_paddr | size | (is_store ? kStore : 0) | (crosses ? kCrosses : 0);
  }
  static uint64_t paddr(const uint64_t* words) {
    constexpr uint64_t kOffset = (uint64_t{1} << kPageShift) - 1;
    return (words[1] & ~kOffset) | (words[0] & kOffset);
  }
  static uint32_t size(const uint64_t* words) { return uint32_t(words[1] & kSizeMask); }
};

// How many words the step that begins there has.
inline size_t words_of_step(const uint64_t* words) {
  const GuestStep step = step_of(*words);
  if (step != GuestStep::kAccess) return step == GuestStep::kLocated ? 3 : 2;
  return 3u + (AccessWords::size(words) > sizeof *words) +
         ((words[1] & AccessWords::kCrosses) != 0);
}
// Reads one access; returns the words behind it.
inline const uint64_t* read_access(const uint64_t* words, taint::Access& access) {
  constexpr unsigned kAbove = 64 - AccessWords::kAddressBits;
  const uint64_t first = words[0], second = words[1];
  access.vaddr = uint64_t(int64_t(first << kAbove) >> kAbove);
  access.paddr = AccessWords::paddr(words);
  access.instruction = uint16_t(place_of(first).index());
  access.size = uint8_t(AccessWords::size(words));
  access.is_store = (second & AccessWords::kStore) != 0;
  access.labels = nullptr;
  words += 2;
  std::memcpy(access.value, words++, sizeof *words);
  if (access.size > sizeof *words)
    std::memcpy(access.value + sizeof *words, words++, sizeof *words);
  if ((second & AccessWords::kCrosses) != 0) access.paddr2 = *words++;
  return words;
}
inline uint64_t* write_access(uint64_t* words, const taint::Access& access) {
  const bool crosses = access.bytes_on_next_page() != 0;
  const uint64_t page = access.paddr / taint::Access::kPageSize * taint::Access::kPageSize;
  *words++ = AccessWords::first(access.instruction, access.vaddr);
  *words++ = AccessWords::second(page, access.size, access.is_store != 0, crosses);
  std::memcpy(words++, access.value, sizeof *words);
  if (access.size > sizeof *words)
    std::memcpy(words++, access.value + sizeof *words, sizeof *words);
  if (crosses) *words++ = access.paddr2;
  return words;
}

}  // namespace fptrace::emu
