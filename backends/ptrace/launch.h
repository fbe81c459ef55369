#pragma once
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "backends/ptrace/ptrace_tracer.h"
#include "backends/ptrace/signals.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::ptrace {

// A traced child that is about to call execve. It is seized, and filtered as `stops` says.
struct Launched {
  pid_t pid = -1;
  Stops stops = Stops::kSyscall;  // never kAuto
  UniqueFd listener;              // with kNotify
  UniqueFd exec_error;            // readable at the end: an errno when execve failed, else nothing
};

// Starts `path` with `argv`, with the first of `wanted`'s ways (kAuto: all, best first) that works.
// The child and the tracer shake hands over pipes; the child has the caller's signal mask,
// dispositions, descriptors and environment. `ptrace_options` are PTRACE_O_*.
Result<Launched> launch(const std::string& path, const std::vector<std::string>& argv, Stops wanted,
                        unsigned long ptrace_options, const Signals& signals,
                        const std::function<void(const std::string&)>& warn);

}  // namespace fptrace::ptrace
