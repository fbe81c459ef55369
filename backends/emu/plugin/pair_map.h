#pragma once
#include <cstddef>
#include <cstdint>

namespace fptrace::emu {

// Numbers by pairs of numbers, for what is looked up while the guest runs: one piece of memory, and
// nothing is ever removed. When there is no memory left it ends the process with a sentence.
class PairMap {
 public:
  struct Entry {
    uint64_t first, second;
    uint64_t value;
    uint64_t used;  // 0: empty
  };

  PairMap() = default;
  PairMap(const PairMap&) = delete;
  PairMap& operator=(const PairMap&) = delete;
  ~PairMap();

  // 0 for a new pair. Valid until the next call.
  uint64_t& at(uint64_t first, uint64_t second, bool* fresh = nullptr);

  size_t size() const { return size_; }
  // All places, with and without an entry, in an order that only the entries decide.
  const Entry* begin() const { return entries_; }
  const Entry* end() const { return entries_ + capacity_; }

 private:
  Entry* place(uint64_t first, uint64_t second) const;
  void grow();

  Entry* entries_ = nullptr;
  size_t capacity_ = 0, size_ = 0;  // capacity: a power of two, or 0
};

}  // namespace fptrace::emu
