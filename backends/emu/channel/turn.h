#pragma once
#include <atomic>
#include <cstdint>

#include "backends/emu/channel/soon.h"
#include "backends/emu/channel/wire.h"

namespace fptrace::emu {

// How often to look for the turn before one sleeps. An answer mostly takes some 20 us, and a call
// that opens a file returns within some 130; when a guest stops for anything else is chance.
inline constexpr int kLooksForAnswer = 8000, kLooksForReturn = 8000, kLooksForStop = 2000;

// Looks for a while whether the turn is another one than `now`; false: it is not.
inline bool turn_changes_soon(const Wire& wire, Turn now, int looks) {
  return happens_soon(looks,
                      [&] { return wire.turn.load(std::memory_order_acquire) != uint32_t(now); });
}

}  // namespace fptrace::emu
