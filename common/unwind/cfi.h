#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/task/task_view.h"

namespace fptrace::unwind {

// A caller's registers, found by one object's call frame information.
struct CallerFrame {
  Registers registers;
  // The frame stepped out of was entered by a signal: its "caller" was interrupted, and the pc is
  // that of the next instruction, not behind a call.
  bool signal = false;
};

// The call frame information (.eh_frame) of one ELF object, 32- or 64-bit.
//
// It is read by elfutils' libdw, which evaluates it for a single pc and returns the rules as DWARF
// expressions; we evaluate those. Of the two libraries for this, libunwind's remote interface
// would do the whole walk, but as packaged a 64-bit program can unwind 64-bit ones only, and
// libdwfl wants a set of modules with their files opened anew for every process. This way one
// parsed object serves all processes that map it, and every memory access is bounded by us.
class Cfi {
 public:
  // `image`: an ELF file image whose first program header is the PT_GNU_EH_FRAME. nullptr when it
  // has no usable frame information.
  static std::unique_ptr<Cfi> create(std::string image);
  ~Cfi();
  Cfi(const Cfi&) = delete;
  Cfi& operator=(const Cfi&) = delete;

  // `pc` is the address to look up, as the object's own file numbers it.
  // Whether there is a word on it, be it that there is no caller.
  bool covers(uint64_t pc) const;
  // nullopt: not covered, says that there is no caller, or leads to memory that cannot be read.
  std::optional<CallerFrame> step(TaskView& task, const Registers& registers, uint64_t pc) const;

 private:
  struct Handles;
  explicit Cfi(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace fptrace::unwind
