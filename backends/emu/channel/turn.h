#pragma once
#include <sched.h>

#include <atomic>
#include <cstdint>

#include "backends/emu/channel/wire.h"

namespace fptrace::emu {

// Looks for a while whether the turn is another one than `now`; false: it is not. Both sides do
// that before they sleep: to be woken takes some 50 us where processors are virtual, the host
// mostly answers within a few, and a guest often stops again within some 30, when a call returns.
// With one processor the other side cannot go on meanwhile.
inline bool turn_changes_soon(const Wire& wire, Turn now) {
  static const bool alone = [] {
    cpu_set_t mine;
    return ::sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_COUNT(&mine) == 1;
  }();
  constexpr int kLooks = 2000;
  for (int i = 0; i < (alone ? 1 : kLooks); ++i) {
    if (wire.turn.load(std::memory_order_acquire) != uint32_t(now)) return true;
    __builtin_ia32_pause();
  }
  return false;
}

}  // namespace fptrace::emu
