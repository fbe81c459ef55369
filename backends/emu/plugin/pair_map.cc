#include "backends/emu/plugin/pair_map.h"

#include <stdlib.h>
#include <unistd.h>

namespace fptrace::emu {
namespace {

constexpr size_t kFirstCapacity = 1024;

uint64_t hash(uint64_t first, uint64_t second) {
  uint64_t h = first * 0x9e3779b97f4a7c15 ^ (second + (first >> 32));
  h = (h ^ h >> 31) * 0xbf58476d1ce4e5b9;
  return h ^ h >> 29;
}

[[noreturn]] void no_memory() {
  static constexpr char kSentence[] = "fptrace plugin: no memory left\n";
  (void)!::write(STDERR_FILENO, kSentence, sizeof kSentence - 1);
  ::_exit(1);
}

}  // namespace

PairMap::~PairMap() { ::free(entries_); }

PairMap::Entry* PairMap::place(uint64_t first, uint64_t second) const {
  size_t i = hash(first, second) & (capacity_ - 1);
  while (entries_[i].used && (entries_[i].first != first || entries_[i].second != second))
    i = (i + 1) & (capacity_ - 1);
  return &entries_[i];
}

void PairMap::grow() {
  Entry* const before = entries_;
  const size_t count = capacity_;
  capacity_ = count == 0 ? kFirstCapacity : count * 2;
  entries_ = static_cast<Entry*>(::calloc(capacity_, sizeof(Entry)));
  if (!entries_) no_memory();
  for (size_t i = 0; i < count; ++i)
    if (before[i].used) *place(before[i].first, before[i].second) = before[i];
  ::free(before);
}

uint64_t& PairMap::at(uint64_t first, uint64_t second, bool* fresh) {
  if (size_ >= capacity_ / 4 * 3) grow();
  Entry* const entry = place(first, second);
  if (fresh) *fresh = !entry->used;
  if (!entry->used) {
    *entry = {first, second, 0, 1};
    ++size_;
  }
  return entry->value;
}

}  // namespace fptrace::emu
