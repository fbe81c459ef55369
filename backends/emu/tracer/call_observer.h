#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "backends/emu/tracer/observer.h"
#include "common/syscall/call_text.h"

namespace fptrace::emu {

// One system call of a process of the trace, when it is over.
struct ObservedCall {
  pid_t pid = 0, tid = 0;
  std::string name;             // short, of the process, at the entry
  uint64_t begin = 0, end = 0;  // Sight::instructions()
  SyscallCall call;
  CallText text;
  enum class End {
    kReturned,   // `result` is there
    kRestarted,  // a signal came: the kernel makes it again, or it failed with EINTR
    kNever,      // the task ended in it
  } how = End::kNever;
  int64_t result = 0;
};

// Tells of every system call of the program's tree. Needs Calls::kAll.
class CallObserver final : public Observer {
 public:
  using Tell = std::function<Result<void>(const ObservedCall&)>;
  explicit CallObserver(Tell tell) : tell_(std::move(tell)) {}

  Result<Next> stopped(const Sight& sight) override;
  // Tells of those that are not over.
  Result<void> program_ended(const Sight& sight) override;

 private:
  struct Open {
    ObservedCall call;
    uint64_t site = 0;  // address of the instruction
  };
  Result<void> on_entry(const Sight& sight, GuestThread& thread);
  Result<void> on_return(const Sight& sight, GuestThread& thread);
  Result<void> on_signal(const Sight& sight, GuestThread& thread);
  Result<void> close(const Sight& sight, uint64_t task, ObservedCall::End how, int64_t result);

  Tell tell_;
  std::map<uint64_t, Open> open_;  // by task
};

}  // namespace fptrace::emu
