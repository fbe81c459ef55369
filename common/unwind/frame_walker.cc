#include "common/unwind/frame_walker.h"

#include "common/unwind/expression.h"

namespace fptrace::unwind {

FrameWalker::FrameWalker(TaskView& task, AddressSpace& space, ObjectCache& cache,
                         const Registers& registers)
    : task_(task), space_(space), cache_(cache) {
  frame_.registers = registers;
  frame_.module = find_module(frame_);
}

// Behind a call that never returns lies another function, or nothing: what counts is the call.
const Module* FrameWalker::find_module(const Frame& frame) {
  return space_.module_at(frame.pc() - (frame.after_call ? 1 : 0), task_, cache_);
}

bool FrameWalker::next() {
  if (frames_ == kMostFrames) return false;
  CallerFrame caller;
  bool guessed = false;
  if (!step(caller, guessed)) return false;
  const uint64_t pc = caller.registers.value[caller.registers.pc_index()];
  const uint64_t sp = caller.registers.value[caller.registers.sp_index()];
  if (!space_.executable(caller.signal ? pc : pc - 1)) return false;
  // The stack grows downward, but a handler may have one of its own.
  if (!caller.signal && sp <= frame_.sp()) return false;
  ++frames_;
  over_signal_ = caller.signal;
  frame_.registers = caller.registers;
  frame_.after_call = !caller.signal;
  frame_.guessed |= guessed;
  frame_.module = find_module(frame_);
  return true;
}

bool FrameWalker::step(CallerFrame& caller, bool& guessed) {
  const Module* module = frame_.module;
  const Cfi* cfi = module && module->object ? module->object->cfi() : nullptr;
  if (cfi != nullptr) {
    const uint64_t pc = module->to_own(frame_.pc()) - (frame_.after_call ? 1 : 0);
    if (const auto found = cfi->step(task_, frame_.registers, pc)) {
      caller = *found;
      return true;
    }
    // Frame information that ends here ends for good: the outermost frame says so by this.
    if (cfi->covers(pc)) return false;
  }
  guessed = true;
  return step_by_frame_pointer(caller.registers);
}

// The convention of code that keeps a frame pointer: it points to the caller's, above which lies
// the return address.
bool FrameWalker::step_by_frame_pointer(Registers& caller) const {
  const Registers& now = frame_.registers;
  const size_t word = now.is_i386 ? 4 : 8;
  const uint64_t frame = now.value[now.frame_pointer_index()];
  if (frame < frame_.sp() || frame % word != 0) return false;
  const auto saved = read_word(task_, frame, now.is_i386);
  const auto pc = read_word(task_, frame + word, now.is_i386);
  if (!saved || !pc) return false;
  caller = Registers{};
  caller.is_i386 = now.is_i386;
  caller.value[caller.frame_pointer_index()] = *saved;
  caller.value[caller.sp_index()] = frame + 2 * word;
  caller.value[caller.pc_index()] = *pc;
  return true;
}

}  // namespace fptrace::unwind
