#pragma once
#include <cstdint>

#include "backends/emu/taint/label_sets.h"

// What operations do to runs of labels, for whatever executes them: the order of the joins decides
// which ids new sets get, so it is written down once. Outputs may be the inputs, byte for byte.

namespace fptrace::emu::taint {

// See OpCode::kJoin.
inline void join_each(LabelSets& sets, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) d[i] = sets.join(a[i], b[i]);
}

// See OpCode::kUnion.
inline void unite_each(LabelSets& sets, LabelId* d, const LabelId* a, const LabelId* b,
                       uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) d[i] = sets.computed(sets.join(a[i], b[i]));
}

// See OpCode::kCarry.
inline void carry(LabelSets& sets, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n,
                  uint32_t lane) {
  LabelId all = kNoLabel, done = kNoLabel;
  for (uint32_t i = 0, in_lane = 0; i < n; ++i) {
    if (in_lane == 0) all = done = kNoLabel;
    const LabelId before = all;
    all = sets.join(all, sets.join(a[i], b[i]));
    if (all != before) done = sets.computed(all);
    d[i] = done;
    if (++in_lane == lane) in_lane = 0;
  }
}

// See OpCode::kLogic. Returns what ZF gets.
inline LabelId logic(LabelSets& sets, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n) {
  LabelId all = kNoLabel;
  for (uint32_t i = 0; i < n; ++i) {
    const LabelId both = sets.join(a[i], b[i]);
    all = sets.join(all, both);
    d[i] = sets.computed(both);
  }
  return sets.computed(all);
}

}  // namespace fptrace::emu::taint
