#include "backends/emu/guest/port.h"

#include <errno.h>
#include <unistd.h>

#include <cstring>

#include "backends/emu/guest/syscalls.h"

namespace fptrace::emu {

void Port::send(ToHost type, const void* data, size_t size) {
  const FrameHeader header{uint32_t(type), uint32_t(size)};
  std::string frame(reinterpret_cast<const char*>(&header), sizeof header);
  frame.append(static_cast<const char*>(data), size);
  write_all(fd_, frame.data(), frame.size());
}

void Port::receive() {
  char buffer[16 << 10];
  const ssize_t n = ::read(fd_, buffer, sizeof buffer);
  if (n < 0 && errno != EINTR && errno != EAGAIN) give_up_errno("cannot read from the host");
  if (n > 0) received_.append(buffer, size_t(n));
}

std::optional<Port::Frame> Port::next() {
  FrameHeader header;
  if (received_.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, received_.data(), sizeof header);
  if (header.size > kMaxFrame) give_up("the host sent a frame that is too long");
  if (received_.size() - sizeof header < header.size) return std::nullopt;
  Frame frame{ToGuest(header.type), received_.substr(sizeof header, header.size)};
  received_.erase(0, sizeof header + header.size);
  return frame;
}

void Port::dealt_with() {
  if (++uncredited_ < kWindow / 4) return;
  send_number(ToHost::kCredit, uncredited_);
  uncredited_ = 0;
}

}  // namespace fptrace::emu
