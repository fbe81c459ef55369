#pragma once
#include <cstdint>

#include "backends/emu/osi/guest_kernel.h"

namespace fptrace::emu {

// More entries than a list of the kernel has; cuts those that a damaged memory makes endless.
inline constexpr unsigned kMaxListEntries = 1 << 22;

// Calls `visit(object)` for each entry of the list_head at `head`, where `object` holds its link at
// `link`; until it returns false.
template <class Visit>
void each_in_list(const GuestKernel& kernel, uint64_t head, Member link, Visit visit) {
  uint64_t at = kernel.value<uint64_t>(head).value_or(0);
  for (unsigned i = 0; at != 0 && at != head && i < kMaxListEntries; ++i) {
    if (!visit(at - link.offset)) return;
    at = kernel.value<uint64_t>(at).value_or(0);
  }
}

// The same of an hlist_head, or of an hlist_bl_head, whose lowest bit is a lock.
template <class Visit>
void each_in_hlist(const GuestKernel& kernel, uint64_t head, Member link, Visit visit) {
  uint64_t at = kernel.value<uint64_t>(head).value_or(0) & ~uint64_t{1};
  for (unsigned i = 0; at != 0 && i < kMaxListEntries; ++i) {
    if (!visit(at - link.offset)) return;
    at = kernel.value<uint64_t>(at).value_or(0);
  }
}

}  // namespace fptrace::emu
