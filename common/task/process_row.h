#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fptrace {

// One thread of a process, as below.
struct ThreadRow {
  pid_t tid = 0;
  char state = '?';
  uint64_t start_ns = 0;
  std::string comm;
  bool operator==(const ThreadRow&) const = default;
};

// What `ps` says about one process at one moment.
struct ProcessRow {
  pid_t pid = 0, parent = 0;
  uint32_t threads = 0;
  uint32_t uid = 0;       // effective
  char state = '?';       // the leader's, as in /proc/PID/stat (proc(5)): R, S, D, Z, T, t, X, I
  uint64_t start_ns = 0;  // since boot
  std::string comm;
  std::string exe;  // empty: none (a kernel thread, a process that has ended)
  std::string cwd;  // empty: as for exe
  std::vector<std::string> argv;
  bool kernel_thread = false;
  bool ended = false;                  // and not waited for yet
  std::vector<ThreadRow> thread_rows;  // by number; only if asked for
  bool operator==(const ProcessRow&) const = default;
};

}  // namespace fptrace
