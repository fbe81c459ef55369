#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace {

// The lines of /proc/PID/status (proc(5)) that fptrace uses. A line that this kernel does not
// print leaves its default.
struct TaskStatus {
  std::string name;  // as printed: \n and \\ escaped
  pid_t tgid = 0, pid = 0, ppid = 0, tracer_pid = 0;
  std::array<uint32_t, 4> uid{}, gid{};  // real, effective, saved, file system
  uint64_t cap_effective = 0;
  uint64_t pending_signals = 0;       // of the thread alone; bit N-1 is signal N
  int no_new_privs = 0, seccomp = 0;  // seccomp: 0 off, 1 strict, 2 filter
  bool operator==(const TaskStatus&) const = default;
};

// Pure. Errors name the 1-based line. Pid, Tgid and PPid must be there.
Result<TaskStatus> parse_status(std::string_view text);
Result<TaskStatus> read_status(pid_t tid);

}  // namespace fptrace
