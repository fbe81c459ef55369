#include "backends/emu/osi/open_files.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace fptrace::emu {
namespace {

constexpr uint64_t kMaxFiles = 1 << 26;  // more than fs.nr_open can be

}  // namespace

OpenFiles::OpenFiles(const GuestNames& names, uint64_t task) : names_(&names) {
  const GuestKernel& kernel = names.kernel();
  const auto& f = kernel.layout().files;
  table_ = kernel.pointer(kernel.pointer(task, kernel.layout().task.files), f.fdt);
  size_ = std::min(kernel.number(table_, f.max_fds).value_or(0), kMaxFiles);
}

uint64_t OpenFiles::file(int fd) const {
  if (fd < 0 || uint64_t(fd) >= size_) return 0;
  const GuestKernel& kernel = names_->kernel();
  const uint64_t array = kernel.pointer(table_, kernel.layout().files.fd);
  return kernel.value<uint64_t>(array + uint64_t(fd) * sizeof(uint64_t)).value_or(0);
}

std::vector<int> OpenFiles::numbers() const {
  const GuestKernel& kernel = names_->kernel();
  const uint64_t array = kernel.pointer(table_, kernel.layout().files.fd);
  std::vector<int> found;
  uint64_t chunk[512];
  for (uint64_t first = 0; first < size_; first += std::size(chunk)) {
    const size_t want = size_t(std::min<uint64_t>(std::size(chunk), size_ - first));
    const auto bytes = std::as_writable_bytes(std::span(chunk)).first(want * sizeof chunk[0]);
    const size_t got = kernel.read(array + first * sizeof chunk[0], bytes) / sizeof chunk[0];
    for (size_t i = 0; i < got; ++i)
      if (chunk[i] != 0) found.push_back(int(first + i));
    if (got != want) break;
  }
  return found;
}

Result<FileRef> OpenFiles::reference(int fd) const {
  const uint64_t at = file(fd);
  if (at == 0) return fail(Errc::kIo, "descriptor " + std::to_string(fd), EBADF);
  auto found = names_->file(names_->place_of_file(at));
  if (!found) return fail(Errc::kBackend, "descriptor " + std::to_string(fd) + " leads nowhere");
  return *std::move(found);
}

uint32_t OpenFiles::flags(int fd) const {
  const GuestKernel& kernel = names_->kernel();
  const auto description = kernel.number(file(fd), kernel.layout().file.flags);
  if (!description) return 0;
  const uint64_t bits = kernel.pointer(table_, kernel.layout().files.close_on_exec);
  const auto byte = kernel.value<uint8_t>(bits + uint64_t(fd) / 8);
  const bool closes = byte && (*byte >> (fd % 8) & 1) != 0;
  return (uint32_t(*description) & ~uint32_t(O_CLOEXEC)) | (closes ? uint32_t(O_CLOEXEC) : 0);
}

}  // namespace fptrace::emu
