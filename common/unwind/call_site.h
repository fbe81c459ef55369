#pragma once
#include <cstdint>

#include "common/task/task_view.h"
#include "common/unwind/address_space.h"

namespace fptrace::unwind {

// What the instruction before a return address called.
struct CallSite {
  enum class Kind {
    kSlot,      // a function of another object, through the PLT or a GOT slot
    kDirect,    // an address, without any slot
    kIndirect,  // the content of a register or of memory that the loader did not fill
  } kind = Kind::kIndirect;
  bool opens = false;   // kSlot: its symbol is a function that opens files for its caller
  uint64_t target = 0;  // where it went; kSlot: what the slot holds; kIndirect: 0, not known
};

// `pc` is a return address in `module`. Looks at the few encodings of a call through a PLT or GOT
// slot; what they lead to is judged by the slot's relocation, never by what code looks like.
CallSite call_before(TaskView& task, const Module& module, uint64_t pc, bool is_i386);

}  // namespace fptrace::unwind
