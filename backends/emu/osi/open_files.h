#pragma once
#include <cstdint>
#include <vector>

#include "backends/emu/osi/guest_names.h"
#include "common/task/task_view.h"

namespace fptrace::emu {

// The descriptors of a task. Nothing is kept.
class OpenFiles {
 public:
  OpenFiles(const GuestNames& names, uint64_t task);

  std::vector<int> numbers() const;
  // Address of the struct file; 0: not open.
  uint64_t file(int fd) const;
  Result<FileRef> reference(int fd) const;
  // As fdinfo has them: the description's, and O_CLOEXEC of the descriptor.
  uint32_t flags(int fd) const;

 private:
  const GuestNames* names_;
  uint64_t table_ = 0;  // struct fdtable
  uint64_t size_ = 0;
};

}  // namespace fptrace::emu
