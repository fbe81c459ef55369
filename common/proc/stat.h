#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace {

// The fields of /proc/PID/stat, or of a task's, that fptrace uses (proc(5)).
struct TaskStat {
  pid_t pid = 0, parent = 0;
  std::string comm;  // may hold any bytes
  char state = '?';
  uint32_t flags = 0;  // PF_* of the kernel
  uint32_t threads = 0;
  uint64_t start_ticks = 0;  // since boot
  uint32_t processor = 0;    // where it ran last
  bool operator==(const TaskStat&) const = default;
};

// Pure.
Result<TaskStat> parse_stat(std::string_view text);
// `task`: its directory in procfs.
Result<TaskStat> read_stat(const std::string& task);

}  // namespace fptrace
