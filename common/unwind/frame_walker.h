#pragma once
#include <cstdint>

#include "common/task/task_view.h"
#include "common/unwind/address_space.h"

namespace fptrace::unwind {

// Walks a task's frames from the innermost outward. Ends where there is no caller, where nothing
// tells it any more, and after kMostFrames: the stack is what a program left there.
class FrameWalker {
 public:
  static constexpr int kMostFrames = 256;

  struct Frame {
    Registers registers;
    const Module* module = nullptr;  // null: the code there is of no object
    bool after_call = false;         // pc is behind a call; otherwise it is the next to run
    bool guessed = false;            // it or an inner one was found without frame information

    uint64_t pc() const { return registers.value[registers.pc_index()]; }
    uint64_t sp() const { return registers.value[registers.sp_index()]; }
  };

  // All must outlive this; `registers` are those of the innermost frame.
  FrameWalker(TaskView& task, AddressSpace& space, ObjectCache& cache, const Registers& registers);

  const Frame& frame() const { return frame_; }
  // To the caller; false: there is none to be found, and frame() stays.
  bool next();
  // The last step went over the frame of a signal: frame() did not call the one before.
  bool over_signal() const { return over_signal_; }

 private:
  bool step(CallerFrame& caller, bool& guessed);
  bool step_by_frame_pointer(Registers& caller) const;
  const Module* find_module(const Frame& frame);

  TaskView& task_;
  AddressSpace& space_;
  ObjectCache& cache_;
  Frame frame_;
  int frames_ = 1;
  bool over_signal_ = false;
};

}  // namespace fptrace::unwind
