#include "backends/emu/image/memory_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/base/unique_fd.h"

namespace fptrace::emu {
namespace {

constexpr size_t kPage = 4096;
// What is read at once stays in the processor's cache until it is written.
constexpr size_t kChunk = 256 << 10;

bool is_zero(std::string_view s) {
  return s[0] == 0 && std::memcmp(s.data(), s.data() + 1, s.size() - 1) == 0;
}

Result<void> take_pages(uint64_t offset, std::string_view bytes, const MemoryRun& take) {
  while (!bytes.empty()) {
    size_t length = 0;
    const bool zero = is_zero(bytes.substr(0, kPage));
    while (length < bytes.size() && is_zero(bytes.substr(length, kPage)) == zero) length += kPage;
    length = std::min(length, bytes.size());
    if (!zero) {
      if (auto ok = take(offset, bytes.substr(0, length)); !ok) return ok;
    }
    offset += length;
    bytes.remove_prefix(length);
  }
  return {};
}

Result<void> write_at(int fd, uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), off_t(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write the guest's memory");
    bytes.remove_prefix(size_t(n));
    offset += uint64_t(n);
  }
  return {};
}

}  // namespace

Result<void> read_memory(const std::string& path, const MemoryRun& take) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  std::vector<char> buffer(kChunk);
  for (off_t at = 0;;) {
    at = ::lseek(fd.get(), at, SEEK_DATA);
    if (at < 0 && errno == ENXIO) return {};  // only a hole is left
    const off_t hole = at < 0 ? at : ::lseek(fd.get(), at, SEEK_HOLE);
    if (hole < 0) return fail_errno("read " + path);
    while (at < hole) {
      const size_t want = size_t(std::min<off_t>(off_t(buffer.size()), hole - at));
      const ssize_t n = ::pread(fd.get(), buffer.data(), want, at);
      if (n <= 0) return fail_errno("read " + path);
      if (auto ok = take_pages(uint64_t(at), {buffer.data(), size_t(n)}, take); !ok) return ok;
      at += n;
    }
  }
}

Result<void> copy_memory(const std::string& from, const std::string& to) {
  struct stat st {};
  if (::stat(from.c_str(), &st) != 0) return fail_errno("open " + from);
  const UniqueFd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!out || ::ftruncate(out.get(), st.st_size) != 0) return fail_errno("make " + to);
  return read_memory(from, [&](uint64_t offset, std::string_view bytes) {
    return write_at(out.get(), offset, bytes);
  });
}

}  // namespace fptrace::emu
