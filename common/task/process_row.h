#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fptrace {

// What `ps` says about one process at one moment.
struct ProcessRow {
  pid_t pid = 0, parent = 0;
  uint32_t threads = 0;
  uint32_t uid = 0;       // effective
  uint64_t start_ns = 0;  // since boot
  std::string comm;
  std::string exe;  // empty: none (a kernel thread, a process that has ended)
  std::vector<std::string> argv;
  bool kernel_thread = false;
  bool ended = false;  // and not waited for yet
  bool operator==(const ProcessRow&) const = default;
};

}  // namespace fptrace
