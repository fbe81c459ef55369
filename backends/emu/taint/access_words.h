#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "backends/emu/taint/access.h"

namespace fptrace::emu::taint {

// An access as words, so that many of them in a row are told, and looked at, with little effort.
//
// The first word has the vaddr's lower 48 bits, above them the instruction in 12 bits, and above
// that kTag. The second one has the page's physical address, and below it size and kind: the offset
// in the page is the vaddr's. Then come 8 bytes of the value, 8 more for one of more than 8, and
// the next page's address if it reaches there.
struct AccessWords {
  static constexpr uint64_t kTag = uint64_t{4} << 60;
  static constexpr uint64_t kStore = 1 << 8, kCrosses = 1 << 9, kSizeMask = 0xff;
  static constexpr unsigned kAddressBits = 48;
  static constexpr uint64_t kPageSize = Access::kPageSize;
  static constexpr uint32_t kMost = 5;  // words of one

  static uint64_t first(uint32_t instruction, uint64_t vaddr) {
    return kTag | uint64_t{instruction} << kAddressBits |
           (vaddr & ((uint64_t{1} << kAddressBits) - 1));
  }
  static uint64_t second(uint64_t page_paddr, uint32_t size, bool is_store, bool crosses) {
    return page_paddr | size | (is_store ? kStore : 0) | (crosses ? kCrosses : 0);
  }

  // Of the words that begin there.
  static uint32_t instruction(const uint64_t* words) {
    return uint32_t((words[0] & ~kTag) >> kAddressBits);
  }
  static uint64_t paddr(const uint64_t* words) {
    return (words[1] & ~(kPageSize - 1)) | (words[0] & (kPageSize - 1));
  }
  static uint32_t size(const uint64_t* words) { return uint32_t(words[1] & kSizeMask); }
  static bool is_store(const uint64_t* words) { return (words[1] & kStore) != 0; }
  static bool crosses(const uint64_t* words) { return (words[1] & kCrosses) != 0; }
  static const uint8_t* value(const uint64_t* words) {
    return reinterpret_cast<const uint8_t*>(words + 2);
  }
  static size_t count(uint32_t size, bool crosses) {
    return 3u + (size > sizeof(uint64_t)) + crosses;
  }
  static size_t count(const uint64_t* words) { return count(size(words), crosses(words)); }
};

// Reads one access; returns the words behind it.
inline const uint64_t* read_access(const uint64_t* words, Access& access) {
  constexpr unsigned kAbove = 64 - AccessWords::kAddressBits;
  access.vaddr = uint64_t(int64_t(words[0] << kAbove) >> kAbove);
  access.paddr = AccessWords::paddr(words);
  access.instruction = uint16_t(AccessWords::instruction(words));
  access.size = uint8_t(AccessWords::size(words));
  access.is_store = AccessWords::is_store(words);
  const bool crosses = AccessWords::crosses(words);
  words += 2;
  std::memcpy(access.value, words++, sizeof *words);
  if (access.size > sizeof *words)
    std::memcpy(access.value + sizeof *words, words++, sizeof *words);
  if (crosses) access.paddr2 = *words++;
  return words;
}
// The same of all of them.
inline void read_accesses(std::span<const uint64_t> words, std::vector<Access>& log) {
  log.clear();
  const uint64_t* const end = words.data() + words.size();
  for (const uint64_t* word = words.data(); word != end;)
    word = read_access(word, log.emplace_back());
}
// Returns the words behind the access; there is to be room for kMost.
inline uint64_t* write_access(uint64_t* words, const Access& access) {
  const bool crosses = access.bytes_on_next_page() != 0;
  const uint64_t page = access.paddr / Access::kPageSize * Access::kPageSize;
  *words++ = AccessWords::first(access.instruction, access.vaddr);
  *words++ = AccessWords::second(page, access.size, access.is_store != 0, crosses);
  std::memcpy(words++, access.value, sizeof *words);
  if (access.size > sizeof *words)
    std::memcpy(words++, access.value + sizeof *words, sizeof *words);
  if (crosses) *words++ = access.paddr2;
  return words;
}

}  // namespace fptrace::emu::taint
