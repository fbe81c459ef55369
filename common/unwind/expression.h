#pragma once
#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <span>

#include "common/task/task_view.h"

namespace fptrace::unwind {

// What a DWARF expression comes to: where a register was saved, or what it holds.
struct Evaluated {
  uint64_t value = 0;
  bool is_address = true;
};

struct Surroundings {
  TaskView& task;
  const Registers& registers;
  std::optional<uint64_t> cfa;  // not yet known while it is what is evaluated
};

// Evaluates the operations that occur in call frame information (DWARF 5, 2.5 and 6.4). nullopt
// for any other, for a stack that runs empty or over, unreadable memory, and after some hundred
// steps: an expression may loop for ever.
std::optional<Evaluated> evaluate(std::span<const Dwarf_Op> ops, const Surroundings& around);

// A value of the machine's word size.
std::optional<uint64_t> read_word(TaskView& task, uint64_t addr, bool is_i386);

}  // namespace fptrace::unwind
