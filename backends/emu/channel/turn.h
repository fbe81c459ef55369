#pragma once
#include <atomic>
#include <cstdint>

#include "backends/emu/channel/soon.h"
#include "backends/emu/channel/wire.h"

namespace fptrace::emu {

// Looks for a while whether the turn is another one than `now`; false: it is not. Both sides do
// that before they sleep: the host mostly answers within some 20 us, and a guest that opens a file
// stops again within some 130 us, when the call returns.
inline bool turn_changes_soon(const Wire& wire, Turn now) {
  constexpr int kLooks = 8000;
  return happens_soon(kLooks,
                      [&] { return wire.turn.load(std::memory_order_acquire) != uint32_t(now); });
}

}  // namespace fptrace::emu
