#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "backends/emu/tracer/taint_memory.h"
#include "common/syscall/decoder.h"
#include "common/task/task_view.h"

namespace fptrace::emu {

// System calls as far as they move bytes between a program and what is no regular file.

enum class Moves : uint8_t {
  kOut,      // from memory of the program
  kIn,       // into memory of the program
  kFileOut,  // from another descriptor: sendfile, splice
};
struct MovedBytes {
  Moves how = Moves::kOut;
  int fd = -1;                     // of the pipe, socket or terminal
  std::vector<UserBytes> bytes{};  // of kOut and kIn: what the call may move, in order
  int from = -1;                   // of kFileOut
  std::optional<uint64_t> offset{};  // in that file; nullopt: from where it stands
};

// What a call, at its entry, is about to move. nullopt: nothing that counts here.
std::optional<MovedBytes> moved_bytes(TaskView& task, const SyscallCall& call);

// The calls that this is about, by name; and those after which a process may no longer write to a
// file that it has open or mapped.
std::span<const std::string_view> moving_calls();
std::span<const std::string_view> closing_calls();

}  // namespace fptrace::emu
