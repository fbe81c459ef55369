#pragma once
#include <sys/types.h>

#include <string>
#include <unordered_map>

#include "common/task/task_view.h"
#include "common/unwind/address_space.h"
#include "common/unwind/call_site.h"
#include "common/unwind/frame_walker.h"

namespace fptrace::unwind {

// Which object (program or library) made an open call. The rule, from the system call outward:
//
//  1. The object whose code made the system call is the opener, if it is not the C library (see
//     is_c_library()): a static program, a Go program, a library with its own system calls.
//  2. Otherwise the first frame outside the C library is the candidate. It counts only if its
//     object really called a function that opens files for its caller (opens_for_its_caller()):
//       - the call before the frame's return address goes through a PLT or GOT slot: the slot's
//         relocation must name such a function;
//       - it goes through a register or straight to code of the same object (which then jumped to
//         the C library with a tail call): some relocation of the object must name one.
//     When a slot's function lies in a third object, that one was called and left by a tail call;
//     it is the candidate instead, and some relocation of it must name such a function.
//     A candidate that does not count leaves the C library as the opener: it opened something of
//     its own, as getpwnam() and setlocale() do, and ld.so for the libraries a program needs.
//  3. An opener found this way may itself be a wrapper that exports such a function (libstdc++'s
//     std::filebuf, an interposed open): a caller that entered it through a slot naming one is the
//     opener in its place. And so on outward.
//
// So an open() in a C extension of Python names the extension, Python's own open() names the
// object that holds the interpreter, and std::ifstream names who uses it. The walk ends at a
// signal's frame (what was interrupted called nothing), at code of no object (a JIT's), after
// FrameWalker::kMostFrames, and where frame information is missing; a frame that was found by its
// frame pointer instead counts only by the relocation of a slot. The opener is then the innermost
// object that the rule had come to.
//
// One instance per trace. Not thread-safe.
class OpenerFinder {
 public:
  // Of the open call that `task` is in or has just come out of: a path as FileRef::path; empty when
  // it cannot be told (registers unreadable, code of no object made the call).
  std::string opener(TaskView& task);

  // The process mapped or unmapped code, runs another program, or is gone.
  void forget(pid_t pid) { spaces_.erase(pid); }

 private:
  AddressSpace* space_of(TaskView& task, const Registers& registers);

  std::unordered_map<pid_t, AddressSpace> spaces_;
  ObjectCache cache_;
};

}  // namespace fptrace::unwind
