#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/event/event.h"
#include "common/syscall/abi.h"
#include "common/syscall/table.h"
#include "common/task/task_view.h"

namespace fptrace {

// The result that stands for "it succeeded" where the call has not run yet: a real one would be a
// number that nobody knows (a descriptor, an address, a count).
inline constexpr int64_t kSucceeded = int64_t{1} << 62;

// A system call as the kernel received it.
struct SyscallCall {
  Abi abi = Abi::kX86_64;
  uint64_t nr = 0;  // without x32's bit 30
  std::array<uint64_t, 6> args{};
};

// What was learned of a call at its entry: arguments copied, paths looked up before the kernel
// acts. Move-only; belongs to the task that made the call until leave().
class PendingCall {
 public:
  virtual ~PendingCall() = default;

  // A file whose content, or whose name, this call may end: opened for writing, truncated, replaced
  // by a rename, unlinked. What must be known of it must be read before the call runs.
  struct Change {
    FileRef file;
    // The old content is not thrown away at once, so the program may depend on it: true for a
    // writing open without O_TRUNC; false for O_TRUNC, truncate to 0, unlink, a rename over it.
    bool keeps_content = false;
  };
  virtual const std::vector<Change>& may_change() const = 0;

  // It may sleep until another process does something, and a signal may end it with EINTR or a
  // restart (connect, recvmsg, io_uring_enter, open of a FIFO, device or terminal, ...). False for
  // calls on names and on regular files and directories.
  virtual bool may_block() const = 0;

  // It is an open, a descriptor that it may return becomes a dependency (open, openat, openat2).
  virtual bool opens() const = 0;

  // The call's result, when it follows from what entry() saw and nothing but a concurrent change
  // of the same path or argument, or a want of memory or descriptors, could make it another:
  // kSucceeded, or the negative errno. It is the result for a task with the tracer's own rights
  // (SyscallRow::changes_rights). nullopt: only the exit knows.
  virtual std::optional<int64_t> predicted() const = 0;
};

// Turns system calls into events; the only place that knows what their arguments mean.
// One instance per trace (it caches directory lookups). Not thread-safe.
class Decoder {
 public:
  Decoder();
  ~Decoder();

  // At the call's entry. nullptr: the call touches no path and no descriptor worth an event.
  // execve's interpreters and loader are looked up here, while the old image still stands.
  std::unique_ptr<PendingCall> enter(TaskView& task, const SyscallCall& call);

  // At the call's exit, with the kernel's raw result (-4095..-1 is a failed call), or still at its
  // entry with the predicted one. Appends what happened. For a successful exec, `task` shows the
  // new image. A result of -ERESTART* (the call runs again) appends nothing.
  void leave(TaskView& task, const PendingCall& call, int64_t result, std::vector<EventBody>& out);

  // Whether calls of this row can become events. A test holds it against the table.
  bool decodes(const SyscallRow& row) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// CLONE_* flags of a fork, vfork, clone or clone3 call (without the exit signal); 0 for fork.
uint64_t clone_flags(TaskView& task, const SyscallCall& call);

}  // namespace fptrace
