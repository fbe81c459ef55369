#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/emu/osi/address_space.h"
#include "backends/emu/osi/guest_tasks.h"
#include "backends/emu/osi/guest_view.h"
#include "backends/emu/osi/open_files.h"
#include "common/syscall/initial_stack.h"
#include "common/task/task_view.h"

namespace fptrace::emu {

// TaskView over one task of a guest that stands still. Everything is read anew at every call. Only
// the registers are not in the guest's memory: whoever stopped the guest has them.
class GuestTask : public TaskView {
 public:
  // `view` may be shared by all tasks and must outlive this.
  GuestTask(GuestView& view, const TaskInfo& info);

  const TaskId& id() const { return id_; }

  pid_t pid() const override { return pid_; }
  pid_t tid() const override { return tid_; }
  size_t read_memory(uint64_t addr, void* out, size_t size) override;
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

  // As ptrace::HostTask::read_new_program(): until forget_program().
  void read_new_program(uint64_t stack_pointer, bool narrow);
  void forget_program() { program_.reset(); }

 private:
  const GuestKernel& kernel() const { return view_.kernel(); }
  const GuestNames& names() const { return view_.names(); }
  AddressSpace memory() const;
  Result<FileRef> file_at(Place place, const char* what) const;
  std::string who() const;

  GuestView& view_;
  TaskId id_;
  pid_t pid_, tid_;
  std::optional<ProgramStrings> program_;
};

}  // namespace fptrace::emu
