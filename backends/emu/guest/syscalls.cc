#include "backends/emu/guest/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "backends/emu/guest/protocol.h"

namespace fptrace::emu {
namespace {

int failure_port = -1;

}  // namespace

void set_failure_port(int fd) { failure_port = fd; }

void give_up(const std::string& what) {
  const std::string line = "fptrace init: " + what + "\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  if (failure_port >= 0) {
    const uint32_t size = uint32_t(std::min<size_t>(what.size(), kMaxFrame));
    const FrameHeader header{uint32_t(ToHost::kFailed), size};
    std::string frame(reinterpret_cast<const char*>(&header), sizeof header);
    frame.append(what, 0, size);
    (void)!::write(failure_port, frame.data(), frame.size());
  }
  for (;;) ::pause();  // the host ends the machine; without init the kernel would panic
}

void give_up_errno(const std::string& what) { give_up(what + ": " + ::strerror(errno)); }

void write_all(int fd, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) give_up_errno("cannot write to the host");
    at += n;
    size -= size_t(n);
  }
}

void write_file(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, text.data(), text.size());
  ::close(fd);
}

std::string read_file(const std::string& path) {
  std::string text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  ssize_t n;
  while ((n = ::read(fd, buffer, sizeof buffer)) > 0) text.append(buffer, size_t(n));
  ::close(fd);
  return text;
}

}  // namespace fptrace::emu
