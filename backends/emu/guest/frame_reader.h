#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "backends/emu/guest/protocol.h"
#include "common/base/result.h"

namespace fptrace::emu {

// Takes apart what the guest sends. The guest is not trusted: every size is checked. Pure.
class FrameReader {
 public:
  struct Frame {
    ToHost type{};
    std::string content;
    // Of a frame that is one number.
    std::optional<uint32_t> number() const;
  };
  void add(std::string_view bytes) { received_ += bytes; }
  // nullopt: the next frame is not all there yet.
  Result<std::optional<Frame>> next();

 private:
  std::string received_;
  size_t at_ = 0;
};

// As the guest reads it. `content` has at most kMaxFrame bytes.
std::string make_frame(ToGuest type, std::string_view content);

}  // namespace fptrace::emu
