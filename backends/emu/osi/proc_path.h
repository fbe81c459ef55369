#pragma once
#include <sys/types.h>

#include <optional>
#include <string_view>

namespace fptrace::emu {

// What a path on procfs stands for, told by its text: the kernel makes up these directories and
// links only when somebody looks.
struct ProcPath {
  enum class Kind {
    kSelf,        // "self"
    kThreadSelf,  // "thread-self"
    kDirectory,   // of a task, or "fd" or "task" in one
    kCwd,
    kRoot,
    kExe,
    kFd,
  };
  Kind kind = Kind::kDirectory;
  pid_t pid = 0;  // 0: that of who asks
  pid_t tid = 0;  // 0: the process itself
  int fd = -1;    // of kFd

  bool is_link() const { return kind != Kind::kDirectory; }
};

// Pure. `path` is canonical and counts from the root of procfs: "12/task/13/fd/4". nullopt: none of
// these.
std::optional<ProcPath> parse_proc_path(std::string_view path);

}  // namespace fptrace::emu
