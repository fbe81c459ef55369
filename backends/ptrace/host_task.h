#pragma once
#include <memory>
#include <string>

#include "backends/ptrace/host_file_system.h"
#include "common/syscall/initial_stack.h"
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
  bool may_read_descriptor(int fd) override;
  Result<FileRef> cwd() override;
  Result<FileRef> root() override;
  FileSystem& file_system() override;
  std::optional<bool> may_read(const FileRef& file) override;
  Result<SocketPeer> socket_peer(int fd) override;
  Result<std::vector<std::string>> argv() override;
  Result<std::vector<std::string>> env() override;
  Result<FileRef> exe() override;
  std::optional<bool> runs(const FileRef& program) override;

  // Where the host has the task's root, when the task calls it "/" but it is another directory
  // (pivot_root). Empty otherwise, and where the host does not show it.
  const std::string& host_root() {
    (void)file_system();
    return host_root_;
  }

  // A new task starts with its parent's root, mount namespace, mounts and working directory
  // (clone(2)).
  void inherit_file_system(const HostTask& parent);
  // To be set only for a task that shares its working directory with no other and calls
  // forget_cwd() for every chdir of it: then the kernel need not be asked for its name each time.
  void keep_cwd(bool keep) {
    keeps_cwd_ = keep;
    forget_cwd();
  }
  void forget_cwd() { cwd_.reset(); }
  // The task has just started a new program: its arguments and environment are read in one go from
  // the initial stack, where they are before the program runs. Until forget_program().
  void read_new_program(uint64_t stack_pointer, bool narrow);
  void forget_program() { program_.reset(); }
  // The task may have another root, mount namespace or mounts now (chroot, unshare, setns, mount).
  void forget_file_system() {
    if (file_system_) file_system_->forget_mounts();
    file_system_.reset();
    forget_cwd();
  }

 private:
  pid_t pid_, tid_;
  std::string proc_;  // "/proc/PID/" or "/proc/PID/task/TID/"
  std::unique_ptr<HostFileSystem> file_system_;
  FileRef root_;
  bool keeps_cwd_ = false;
  std::optional<FileRef> cwd_;
  std::optional<ProgramStrings> program_;
  std::string host_root_;
};

}  // namespace fptrace::ptrace
