#pragma once
#include <atomic>
#include <cstdint>

#include "backends/emu/channel/soon.h"
#include "backends/emu/channel/wire.h"

namespace fptrace::emu {

// Looks for a while whether the turn is another one than `now`; false: it is not. Both sides do
// that before they sleep: the host mostly answers within a few microseconds, and a guest often
// stops again within some 30, when a call returns.
inline bool turn_changes_soon(const Wire& wire, Turn now) {
  return happens_soon([&] { return wire.turn.load(std::memory_order_acquire) != uint32_t(now); });
}

}  // namespace fptrace::emu
