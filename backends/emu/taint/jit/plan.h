#pragma once
#include <span>

#include "backends/emu/taint/execute.h"
#include "backends/emu/taint/jit/compiled.h"

namespace fptrace::emu::taint::jit {

// How to compile the block for executions with accesses like these, of one that was complete.
Plan make_plan(const Block& block, std::span<const Access> log, bool pointers, bool depth);

// Whether the accesses are as planned, where nothing is interpreted.
inline bool matches(std::span<const Step> steps, std::span<const uint64_t> accesses) {
  const uint64_t* word = accesses.data();
  const uint64_t* const end = word + accesses.size();
  for (const Step& step : steps) {
    if (word == end || !step.is(word)) return false;
    word += step.words();
  }
  return word == end;
}

// The same of any plan. `first_of` has room for one more than there are steps, and is filled as
// Frame::steps says.
bool matches(std::span<const Step> steps, std::span<const uint64_t> accesses,
             const uint64_t** first_of);

}  // namespace fptrace::emu::taint::jit
