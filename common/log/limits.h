#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/event/event.h"

// What bounds the memory that a log can ask its reader for. The writer keeps to the same numbers,
// so no log of ours is refused. docs/log-format.md repeats them.

namespace fptrace {

constexpr uint32_t kMaxStoredBytes = 64u << 20;  // one frame's payload, compressed
constexpr uint32_t kMaxRawBytes = 32u << 20;     // the same, uncompressed
constexpr uint32_t kMaxTableRows = 4u << 20;     // rows of one table of a chunk
constexpr uint32_t kMaxChunkEvents = 1u << 20;
// Cost: about what a value takes in memory once its table references are replaced by copies. A
// small chunk can stand for very large events, since one table row may be named many times.
constexpr uint64_t kMaxEventCost = 24u << 20;
constexpr uint64_t kMaxChunkCost = 256u << 20;

constexpr uint64_t kEventCost = 64, kStringCost = 32, kFileCost = 96;
inline uint64_t cost_of(const std::string& s) { return kStringCost + s.size(); }
inline uint64_t cost_of(const std::vector<std::string>& list) {
  uint64_t sum = kStringCost;
  for (const auto& s : list) sum += cost_of(s);
  return sum;
}
inline uint64_t cost_of(const FileRef& f) {
  return kFileCost + cost_of(f.path) + cost_of(f.source);
}
inline uint64_t cost_of(const Lookup& l) {
  return cost_of(l.path) + cost_of(l.base) + cost_of(l.links) + cost_of(l.file);
}

}  // namespace fptrace
