#pragma once
#include <cstddef>
#include <cstdint>

#include "backends/emu/plugin/code_block.h"
#include "backends/emu/plugin/word_queue.h"
#include "backends/emu/taint/access_words.h"

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
  kAccess,     // see AccessWords
  kFinish,     // -; instructions begun: all that was completed is to be carried out
};

using taint::AccessWords;
constexpr unsigned kStepShift = 60;
static_assert(uint64_t(GuestStep::kAccess) << kStepShift == AccessWords::kTag);
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

// How many words the step that begins there has.
inline size_t words_of_step(const uint64_t* words) {
  const GuestStep step = step_of(*words);
  if (step != GuestStep::kAccess) return step == GuestStep::kLocated ? 3 : 2;
  return AccessWords::count(words);
}

}  // namespace fptrace::emu
