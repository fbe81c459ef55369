#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/task/task_view.h"
#include "common/unwind/cfi.h"

namespace fptrace::unwind {

// What the walker must know of one ELF object of a program, taken from the memory of a task that
// has it mapped. From memory and not from its file, because that is there on every backend, also
// for objects that were deleted, replaced, or lie in another mount namespace, and for the vdso.
//
// Addresses in here are the object's own; a task's are these plus a bias. A program may have
// written anything over them, so every size is bounded; a part that is unreadable is left empty.
class Object {
 public:
  // The page at the beginning of an object, from which `read` goes on.
  static constexpr size_t kHeaderSize = 4096;
  // `header` lies at `base` in the task. nullptr: no ELF object for x86.
  static std::shared_ptr<const Object> read(TaskView& task, uint64_t base, std::string_view header);

  uint64_t bias(uint64_t base) const { return base - first_address_; }
  bool c_library() const { return c_library_; }
  const std::string& soname() const { return soname_; }
  // Some dynamic relocation names a function that opens files for its caller.
  bool names_opener() const { return names_opener_; }
  // It has such a function itself, which others may call. In doubt, true.
  bool exports_opener() const { return exports_opener_; }
  const Cfi* cfi() const { return cfi_.get(); }
  size_t memory() const { return memory_; }  // bytes that this holds, about

  // A place that the dynamic loader fills with the address of a symbol (GOT and PLT slots, tables
  // of functions).
  struct Slot {
    uint64_t address = 0;
    bool opens = false;  // the symbol is a function that opens files for its caller
  };
  const Slot* slot(uint64_t address) const;
  // What the PLT of 32-bit objects addresses its slots by; 0 when there is none.
  uint64_t plt_got() const { return plt_got_; }

 private:
  friend class ObjectReader;
  uint64_t first_address_ = 0;
  uint64_t plt_got_ = 0;
  size_t memory_ = 0;
  bool c_library_ = false, names_opener_ = false, exports_opener_ = false;
  std::string soname_;
  std::vector<Slot> slots_;  // by address
  std::unique_ptr<Cfi> cfi_;
};

}  // namespace fptrace::unwind
