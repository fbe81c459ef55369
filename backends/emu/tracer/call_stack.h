#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/emu/tracer/guest.h"
#include "common/unwind/address_space.h"

namespace fptrace::emu {

struct StackFrame {
  uint64_t pc = 0;      // of the innermost the instruction, of the others where they go on
  std::string object;   // path; empty: code of no object
  uint64_t offset = 0;  // in it, as its own symbols count
  bool operator==(const StackFrame&) const = default;
};

// Call stacks of programs in a guest that stands still. Not thread-safe.
class CallStacks {
 public:
  // From the innermost frame on, `most` frames at most. `cpu`: the registers, of user mode.
  std::vector<StackFrame> stack(Guest& guest, const TaskInfo& task, const CpuState& cpu,
                                size_t most);

 private:
  unwind::ObjectCache cache_;
};

// What user mode had in the registers that a stack is walked by when it entered the kernel.
CpuState user_state(const SavedRegisters& saved);

}  // namespace fptrace::emu
