#pragma once
#include <cstdint>
#include <vector>

namespace fptrace {

// Finds rows of a table by content, for interning: open addressing over small slots, the rows
// themselves stay with the caller. Emptied once a chunk, which a node-based map does badly: it
// frees every node, and a lookup costs it two cache misses where this costs one.
class HashIndex {
 public:
  // The row that `same(row)` accepts among those with this hash; if there is none, the row that
  // `add()` returns, which is remembered. Rows are numbered from 1.
  template <class Same, class Add>
  uint32_t find_or_add(uint64_t hash, Same same, Add add) {
    if ((used_ + 1) * 2 > slots_.size()) grow();
    const size_t mask = slots_.size() - 1;
    const auto tag = uint32_t(hash >> 32);
    size_t at = size_t(hash) & mask;
    for (; slots_[at].row != 0; at = (at + 1) & mask) {
      if (slots_[at].tag == tag && same(slots_[at].row)) return slots_[at].row;
    }
    const uint32_t row = add();
    slots_[at] = {tag, uint32_t(hash), row};
    ++used_;
    return row;
  }
  void clear() {
    if (used_ != 0) slots_.assign(slots_.size(), {});
    used_ = 0;
  }

 private:
  struct Slot {
    uint32_t tag = 0;   // high half of the hash: tells most unequal rows apart
    uint32_t home = 0;  // low half: where the slot goes when the table grows
    uint32_t row = 0;   // 0: free
  };

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 256 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& s : old) {
      if (s.row == 0) continue;
      size_t at = s.home & (slots_.size() - 1);
      while (slots_[at].row != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = s;
    }
  }

  std::vector<Slot> slots_;  // a power of two, or empty
  size_t used_ = 0;
};

}  // namespace fptrace
