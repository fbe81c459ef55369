#pragma once
#include <algorithm>
#include <cstdint>

#include "backends/emu/taint/label_sets.h"

// What operations do to runs of labels, for whatever executes them: the order of the joins decides
// which ids new sets get, so it is written down once. Outputs may be the inputs, byte for byte.

namespace fptrace::emu::taint {

// Whether all have the same label, as bytes do that were computed together: then their joins are
// all the first one's.
inline bool is_uniform(const LabelId* labels, uint32_t count) {
  LabelId different = 0;
  for (uint32_t i = 1; i < count; ++i) different |= labels[i] ^ labels[0];
  return different == 0;
}

// See OpCode::kJoin.
inline void join_each(LabelSets& sets, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) d[i] = sets.join(a[i], b[i]);
}

// See OpCode::kUnion.
inline void unite_each(LabelSets& sets, LabelId* d, const LabelId* a, const LabelId* b,
                       uint32_t n) {
  if (is_uniform(a, n) && is_uniform(b, n)) {
    std::fill_n(d, n, sets.computed(sets.join(a[0], b[0])));
    return;
  }
  for (uint32_t i = 0; i < n; ++i) d[i] = sets.computed(sets.join(a[i], b[i]));
}

// See OpCode::kCarry.
inline void carry(LabelSets& sets, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n,
                  uint32_t lane) {
  if (is_uniform(a, n) && is_uniform(b, n)) {
    std::fill_n(d, n, sets.computed(sets.join(a[0], b[0])));
    return;
  }
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

// See OpCode::kCompare.
struct Compared {
  LabelId low, all;
};
inline Compared compare(LabelSets& sets, const LabelId* a, const LabelId* b, uint32_t n) {
  const LabelId low = sets.computed(sets.join_passing(a[0], b[0]));
  if (n == 1 || (is_uniform(a, n) && is_uniform(b, n))) return {low, low};
  return {low, sets.computed(sets.join_passing(sets.join_all(a, n), sets.join_all(b, n)))};
}

// See OpCode::kLogic. Returns what ZF gets.
inline LabelId logic(LabelSets& sets, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n) {
  if (is_uniform(a, n) && is_uniform(b, n)) {
    const LabelId all = sets.computed(sets.join(a[0], b[0]));
    std::fill_n(d, n, all);
    return all;
  }
  LabelId all = kNoLabel;
  for (uint32_t i = 0; i < n; ++i) {
    const LabelId both = sets.join(a[i], b[i]);
    all = sets.join(all, both);
    d[i] = sets.computed(both);
  }
  return sets.computed(all);
}

}  // namespace fptrace::emu::taint
