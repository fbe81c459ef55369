#pragma once
#include <sys/stat.h>

#include <memory>
#include <string>

#include "backends/ptrace/mount_table.h"
#include "common/task/file_system.h"

namespace fptrace::ptrace {

// What `path` (any path of this host, including one in /proc) leads to, final symbolic link
// followed or not. FileRef::path is left empty.
Result<FileRef> stat_file(const std::string& path, bool follow);

// The object behind a magic link of procfs (/proc/PID/{exe,cwd,root}, /proc/PID/fd/N): identity
// from stat, path from readlink without the kernel's " (deleted)".
Result<FileRef> magic_link_target(const std::string& link);

// The host's file system as seen by one task: its own mount namespace, or another one through
// /proc/TID/root.
class HostFileSystem final : public FileSystem {
 public:
  // The tracer's own view.
  HostFileSystem();
  // The view of a task in another mount namespace. `task_root` is the task's root directory
  // within that namespace ("/" unless it did a chroot there): nothing above it can be reached.
  HostFileSystem(pid_t tid, std::string task_root);

  Result<FileRef> lstat(const std::string& path) override;
  Result<std::string> readlink(const std::string& path) override;
  Result<std::string> read_head(const std::string& path, size_t size) override;
  Result<std::string> read_at(const std::string& path, uint64_t offset, size_t size) override;
  Result<FileRef> follow_magic(const std::string& path) override;
  bool is_procfs(uint64_t dev) const override;
  // Fills in FileRef::source of a file that was reached by a descriptor.
  void add_source(FileRef& file) const { file.source = mounts_->source(file); }
  void forget_mounts() { mounts_->forget(); }
  // Whether it is the tracer's, and so the same for every task in it.
  bool is_own_namespace() const { return prefix_.empty(); }
  // Whether the tracer itself may open it for reading.
  bool readable(const std::string& path) const;

 private:
  // Where the tracer reaches the task's `path`.
  std::string reach(const std::string& path) const;

  std::string prefix_;     // "/proc/TID/root"; empty in the tracer's own namespace
  std::string task_root_;  // what `prefix_` stands for
  std::shared_ptr<MountTable> mounts_;
};

}  // namespace fptrace::ptrace
