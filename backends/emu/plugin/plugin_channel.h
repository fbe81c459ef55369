#pragma once
#include <cstdint>

#include "backends/emu/channel/wire.h"

// The plugin's end of the channel. No exceptions, no C++ library: it runs inside QEMU.

namespace fptrace::emu {

// nullptr on success, else one sentence; then nothing is left open.
const char* connect_channel(const char* path, Wire** wire);

// Ends the process, with a line that says why. From any thread, and without memory.
[[noreturn]] void give_up(const char* line);

// Gives the turn to the host and waits until it comes back. Ends the process when the host has
// died or wants QEMU to end. In between it does what the host requests.
void yield_turn(Wire& wire);

// Does what requests of some kinds ask for; false: of another kind. `error` is 0 before.
using RequestHandler = bool (*)(Wire& wire, Request& request);
// At most kMostHandlers, asked in turn.
inline constexpr int kMostHandlers = 4;
void add_request_handler(RequestHandler handler);

// Has the host look for its turn: a stop will come soon. The guest goes on.
void announce_stop(Wire& wire);

// Not while a stop is being written: it makes one itself when there is no room.
void add_report(Wire& wire, const Report& report);

// Whether the host wants to know of the call, and whether later will do. `value` reads registers,
// as they are at its entry.
bool is_interesting(const Wire& wire, uint32_t abi, uint64_t nr, uint64_t (*value)(Gpr));
bool is_told_late(const Wire& wire, uint32_t abi, uint64_t nr, uint64_t (*value)(Gpr));

// What the host wants to be told of a task.
uint32_t task_flags(const Wire& wire, uint64_t task);

}  // namespace fptrace::emu
