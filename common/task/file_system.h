#pragma once
#include <string>

#include "common/base/result.h"
#include "common/event/event.h"

namespace fptrace {

// A file system tree as one task sees it, addressed by canonical paths: absolute, in the tracer's
// naming (FileRef::path), with no symbolic link in any component but the last. PathResolver turns
// what programs pass to the kernel into such paths; nothing here resolves anything.
// Failures carry the errno of the lookup in Error::sys (ENOENT, ENOTDIR, EACCES, ...).
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // The file itself, also when it is a symbolic link.
  virtual Result<FileRef> lstat(const std::string& path) = 0;
  virtual Result<std::string> readlink(const std::string& path) = 0;
  // The first `size` bytes at most; for `#!` lines and ELF headers. `path` may also be a magic link
  // (below), which leads to files that have no path any more.
  virtual Result<std::string> read_head(const std::string& path, size_t size) = 0;
  // Up to `size` bytes from `offset` (an ELF interpreter's name that patchelf moved to the end).
  // This one reads all that comes before them, and gives up beyond 16 MiB.
  virtual Result<std::string> read_at(const std::string& path, uint64_t offset, size_t size) {
    constexpr uint64_t kMost = 16 << 20;
    if (offset > kMost || size > kMost) return fail(Errc::kUnsupported, "read far into " + path);
    auto head = read_head(path, size_t(offset) + size);
    if (head) head->erase(0, size_t(offset));
    return head;
  }
  // What the magic link `path` of procfs (/proc/PID/{cwd,root,exe}, /proc/PID/fd/N) stands for.
  virtual Result<FileRef> follow_magic(const std::string& path) = 0;
  virtual bool is_procfs(uint64_t dev) const = 0;
};

}  // namespace fptrace
