#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/syscall/abi.h"

namespace fptrace {

// How closely a tracer must watch a system call.
enum class Attention : uint8_t {
  kNone,  // names no path, makes and receives no descriptor, changes no file: never an event
  kAsks,  // changes nothing: its result follows from its arguments (PendingCall::predicted)
  kActs,  // changes something, or its result cannot be known: entry and exit are both needed
};

// One test on one argument: (args[arg] & mask) == value.
struct ArgTest {
  uint8_t arg = 0;
  uint64_t mask = 0, value = 0;
};

// One row of the table: all that a tracer needs to know to choose the calls it stops at. How
// arguments become events is the decoder's business.
struct SyscallRow {
  std::string_view name;
  int16_t nr[3] = {-1, -1, -1};  // by Abi; -1: that interface does not have the call
  Attention attention = Attention::kNone;
  // The call matters only if this holds (mmap: PROT_EXEC) ...
  std::optional<ArgTest> only_if;
  // ... and unless this holds (mmap: MAP_ANONYMOUS).
  std::optional<ArgTest> unless;
  // The call merely asks (although `attention` is kActs) when this holds (open without O_CREAT,
  // O_TRUNC or write access).
  std::optional<ArgTest> asks_if;
  // After it the task may be allowed more or less than before (credentials, capabilities, seccomp,
  // Landlock): a prediction made with the tracer's own rights no longer holds for this task. Most
  // of these calls are no event; the row is kActs so that a tracer learns of them.
  bool changes_rights = false;
};

// All rows, sorted by name.
std::span<const SyscallRow> syscall_table();
// nullptr: a number that the table does not know (a kernel newer than this build).
const SyscallRow* find_syscall(Abi abi, uint64_t nr);
// nullptr: no such name.
const SyscallRow* find_syscall(std::string_view name);
// The attention that a call with these arguments needs, all tests applied. Unknown: kActs.
Attention attention(const SyscallRow& row, std::span<const uint64_t, 6> args);

}  // namespace fptrace
