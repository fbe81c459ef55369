#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "backends/emu/guest/protocol.h"

namespace fptrace::emu {

// The guest's end of the line to the host.
class Port {
 public:
  explicit Port(int fd) : fd_(fd) {}
  int fd() const { return fd_; }

  void send(ToHost type, const void* data, size_t size);  // `size` at most kMaxFrame
  void send_number(ToHost type, uint32_t number) { send(type, &number, sizeof number); }

  struct Frame {
    ToGuest type{};
    std::string content;
  };
  // Waits for bytes once and keeps them; next() takes them apart.
  void receive();
  std::optional<Frame> next();
  bool has_received() const { return !received_.empty(); }
  // One frame that the host gave credit for was dealt with.
  void dealt_with();

 private:
  int fd_;
  std::string received_;
  uint32_t uncredited_ = 0;
};

}  // namespace fptrace::emu
