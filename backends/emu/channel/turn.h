#pragma once
#include <atomic>
#include <cstdint>

#include "backends/emu/channel/soon.h"
#include "backends/emu/channel/wire.h"

namespace fptrace::emu {

// How often to look for the turn before one sleeps. An answer mostly takes some 20 us, and a call
// that opens a file returns within some 130; when a guest stops for anything else is chance.
inline constexpr int kLooksForAnswer = 8000, kLooksForReturn = 8000, kLooksForStop = 2000;

inline bool is_guests(uint32_t turn) {
  return turn == uint32_t(Turn::kGuest) || turn == uint32_t(Turn::kSoon);
}

// Looks for a while whether the turn changes sides; false: not yet.
inline bool guest_stops_soon(const Wire& wire, int looks) {
  return happens_soon(looks, [&] { return !is_guests(wire.turn.load(std::memory_order_acquire)); });
}
inline bool host_answers_soon(const Wire& wire, int looks) {
  return happens_soon(
      looks, [&] { return wire.turn.load(std::memory_order_acquire) != uint32_t(Turn::kHost); });
}

}  // namespace fptrace::emu
