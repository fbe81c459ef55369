#pragma once
#include <memory>
#include <string>

#include "backends/ptrace/host_file_system.h"
#include "common/task/task_view.h"

namespace fptrace::ptrace {

// TaskView over /proc and process_vm_readv for one thread of this host. It reads the kernel anew
// at every call and keeps nothing but names, so it also serves a task stopped in a notification.
class HostTask final : public TaskView {
 public:
  HostTask(pid_t pid, pid_t tid);

  pid_t pid() const override { return pid_; }
  pid_t tid() const override { return tid_; }
  size_t read_memory(uint64_t addr, void* out, size_t size) override;
  // Only in a ptrace stop.
  Result<Registers> registers() override;
  Result<std::vector<MemoryRegion>> memory_map() override;
  Result<OpenFile> descriptor(int fd) override;
  Result<FileRef> descriptor_file(int fd) override;
  Result<FileRef> cwd() override;
  Result<FileRef> root() override;
  FileSystem& file_system() override;
  std::optional<bool> may_read(const FileRef& file) override;
  Result<SocketPeer> socket_peer(int fd) override;
  Result<std::vector<std::string>> argv() override;
  Result<std::vector<std::string>> env() override;
  Result<FileRef> exe() override;

  // Where the host has the task's root, when the task calls it "/" but it is another directory
  // (pivot_root). Empty otherwise, and where the host does not show it.
  const std::string& host_root() {
    (void)file_system();
    return host_root_;
  }

  // The task may have another root, mount namespace or mounts now (chroot, unshare, setns, mount).
  void forget_file_system() {
    if (file_system_) file_system_->forget_mounts();
    file_system_.reset();
  }

 private:
  pid_t pid_, tid_;
  std::string proc_;  // "/proc/PID/task/TID/"
  std::unique_ptr<HostFileSystem> file_system_;
  FileRef root_;
  std::string host_root_;
};

}  // namespace fptrace::ptrace
