#pragma once
#include <fcntl.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/event/event.h"
#include "common/task/file_system.h"

namespace fptrace {

// An open descriptor of a task.
struct OpenFile {
  FileRef file;
  uint32_t flags = 0;  // O_* of the open file description
};

struct SocketPeer {
  pid_t pid = 0;
  std::string exe;  // what it runs; empty when that cannot be told
};

// The registers that a frame walker needs, numbered as DWARF does for the machine: System V psABI,
// "DWARF Register Number Mapping". x86-64: rax rdx rcx rbx rsi rdi rbp rsp r8-r15 rip.
// i386: eax ecx edx ebx esp ebp esi edi eip; the rest is not used.
struct Registers {
  static constexpr size_t kMost = 17;
  bool is_i386 = false;  // 32-bit code runs, whatever the program was started as
  std::array<uint64_t, kMost> value{};

  size_t count() const { return is_i386 ? 9 : kMost; }
  size_t pc_index() const { return count() - 1; }
  size_t sp_index() const { return is_i386 ? 4 : 7; }
  size_t frame_pointer_index() const { return is_i386 ? 5 : 6; }
};

// A piece of a task's address space; `end` is exclusive.
struct MemoryRegion {
  uint64_t begin = 0, end = 0;
  uint64_t offset = 0;  // in the file
  uint64_t dev = 0, ino = 0;
  bool executable = false;
  // As FileRef::path: empty for anonymous memory, "[vdso]" and the like for the kernel's.
  std::string path;
};

// One stopped task: the seam on which the syscall decoder, the path resolver and the unwinder
// stand. The ptrace backend reads /proc and process_vm_readv, the emulator guest memory, tests a
// fake. Valid only while the task stays stopped. Not thread-safe.
class TaskView {
 public:
  virtual ~TaskView() = default;

  virtual pid_t pid() const = 0;  // thread group id
  virtual pid_t tid() const = 0;

  // Copies up to `size` bytes from `addr`; returns how many could be read before the first
  // unreadable page (0 when none).
  virtual size_t read_memory(uint64_t addr, void* out, size_t size) = 0;

  // While it is stopped in, or right behind, a system call: the program's own registers.
  virtual Result<Registers> registers() { return fail(Errc::kUnsupported, "registers of a task"); }
  // By address.
  virtual Result<std::vector<MemoryRegion>> memory_map() {
    return fail(Errc::kUnsupported, "memory map of a task");
  }

  virtual Result<OpenFile> descriptor(int fd) = 0;
  // Its file alone, where that is cheaper.
  virtual Result<FileRef> descriptor_file(int fd) {
    auto open = descriptor(fd);
    if (!open) return fail(open.error());
    return std::move(open->file);
  }
  // Whether it can be read from, and so be mapped.
  virtual bool may_read_descriptor(int fd) {
    const auto open = descriptor(fd);
    return open && (open->flags & O_ACCMODE) != O_WRONLY && (open->flags & O_PATH) == 0;
  }
  virtual Result<FileRef> cwd() = 0;   // path empty with ino set: removed or unreachable
  virtual Result<FileRef> root() = 0;  // path "/" unless the task is in a chroot
  virtual FileSystem& file_system() = 0;
  // Whether the task may open `file` for reading; nullopt when that is not known for certain.
  // Asked only about files that not everybody may read.
  virtual std::optional<bool> may_read(const FileRef& /*file*/) { return std::nullopt; }

  // Who listens at the other end of a connected AF_UNIX socket of the task (unix(7), SO_PEERCRED).
  virtual Result<SocketPeer> socket_peer(int /*fd*/) {
    return fail(Errc::kUnsupported, "peer of a socket");
  }

  // Command line and environment as they lie on the current program's stack.
  virtual Result<std::vector<std::string>> argv() = 0;
  virtual Result<std::vector<std::string>> env() = 0;
  virtual Result<FileRef> exe() = 0;  // the program the task runs
  // Whether that is `program`; nullopt when it cannot be told.
  virtual std::optional<bool> runs(const FileRef& program) {
    const auto now = exe();
    if (!now) return std::nullopt;
    return now->dev == program.dev && now->ino == program.ino;
  }
};

}  // namespace fptrace
