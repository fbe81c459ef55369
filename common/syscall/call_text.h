#pragma once
#include <string>
#include <vector>

#include "common/syscall/decoder.h"

namespace fptrace {

// A system call as a person reads it, argument by argument. What the table of arguments does not
// know is shown as it was in the registers.
struct CallText {
  std::string name;               // "syscall_600": one that the table does not know
  std::vector<std::string> args;  // "3", "\"/etc/passwd\"", "O_RDONLY|O_CLOEXEC", "0x7f..."
  bool returns = true;            // exit and exit_group do not
};

// At the call's entry. Strings and buffers are shown up to `most` bytes, then "...".
CallText call_text(TaskView& task, const SyscallCall& call, size_t most = 64);
// At its return: fills in the buffers that it wrote to.
void add_results(TaskView& task, const SyscallCall& call, int64_t result, CallText& text,
                 size_t most = 64);

// "3", "-1 ENOENT", "0x7f1234560000" for a call that returns an address.
std::string result_text(const SyscallCall& call, int64_t result);

}  // namespace fptrace
