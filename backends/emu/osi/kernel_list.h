#pragma once
#include <cstdint>

#include "backends/emu/osi/guest_kernel.h"

namespace fptrace::emu {

// Tells when a walk along pointers has come round to where it was (Brent's algorithm): damaged
// memory may lead in circles.
template <class Position = uint64_t>
class CycleGuard {
 public:
  // To be called at every step; true at some step soon after the walk began to repeat.
  bool repeats(const Position& at) {
    if (at == mark_ && steps_ != 0) return true;
    if (++steps_ == next_) {
      mark_ = at;
      next_ *= 2;
    }
    return false;
  }

 private:
  Position mark_{};
  uint64_t steps_ = 0, next_ = 1;
};

// Calls `visit(object)` for each entry of the list_head at `head`, where `object` holds its link at
// `link`; until it returns false.
template <class Visit>
void each_in_list(const GuestKernel& kernel, uint64_t head, Member link, Visit visit) {
  uint64_t at = kernel.value<uint64_t>(head).value_or(0);
  for (CycleGuard<> guard; at != 0 && at != head && !guard.repeats(at);) {
    if (!visit(at - link.offset)) return;
    at = kernel.value<uint64_t>(at).value_or(0);
  }
}

// The same of an hlist_head, or of an hlist_bl_head, whose lowest bit is a lock.
template <class Visit>
void each_in_hlist(const GuestKernel& kernel, uint64_t head, Member link, Visit visit) {
  uint64_t at = kernel.value<uint64_t>(head).value_or(0) & ~uint64_t{1};
  for (CycleGuard<> guard; at != 0 && !guard.repeats(at);) {
    if (!visit(at - link.offset)) return;
    at = kernel.value<uint64_t>(at).value_or(0);
  }
}

}  // namespace fptrace::emu
