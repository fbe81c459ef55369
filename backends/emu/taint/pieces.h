#pragma once
#include <algorithm>
#include <cstdint>

#include "backends/emu/taint/access.h"
#include "backends/emu/taint/shadow_memory.h"

// The labels of what was accessed, on one page or two.

namespace fptrace::emu::taint {

inline bool any_label(const ShadowMemory& memory, const Access& access) {
  const uint32_t beyond = access.bytes_on_next_page();
  return memory.any(access.paddr, access.size - beyond) ||
         (beyond != 0 && memory.any(access.paddr2, beyond));
}

inline void clear(ShadowMemory& memory, const Access& access) {
  const uint32_t beyond = access.bytes_on_next_page();
  memory.clear(access.paddr, access.size - beyond);
  if (beyond != 0) memory.clear(access.paddr2, beyond);
}

// Calls visit(paddr, offset in the access, bytes) for the part of each page of the range in it.
template <class Visit>
void for_each_page_of(const Access& access, uint32_t from, uint32_t size, Visit visit) {
  const uint32_t on_first = access.size - access.bytes_on_next_page();
  const uint32_t here = from < on_first ? std::min(size, on_first - from) : 0;
  if (here != 0) visit(access.paddr + from, from, here);
  if (here != size) visit(access.paddr2 + (from + here - on_first), from + here, size - here);
}

// The labels that memory has for all of it. False: there are none.
inline bool load_all(ShadowMemory& memory, const Access& access, LabelId* labels) {
  const uint32_t beyond = access.bytes_on_next_page(), here = access.size - beyond;
  bool found = memory.load(access.paddr, here, access.value, labels);
  if (beyond != 0)
    found = memory.load(access.paddr2, beyond, access.value + here, labels + here) || found;
  return found;
}

inline void load_piece(ShadowMemory& memory, const Access& access, uint32_t from, uint32_t size,
                       LabelId* labels) {
  for_each_page_of(access, from, size, [&](uint64_t paddr, uint32_t offset, uint32_t count) {
    memory.load(paddr, count, access.value + offset, labels + (offset - from));
  });
}

inline void store_piece(ShadowMemory& memory, const Access& access, uint32_t from, uint32_t size,
                        const LabelId* labels) {
  for_each_page_of(access, from, size, [&](uint64_t paddr, uint32_t offset, uint32_t count) {
    memory.store(paddr, count, access.value + offset, labels + (offset - from));
  });
}

}  // namespace fptrace::emu::taint
