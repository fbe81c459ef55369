#include "backends/emu/guest/frame_reader.h"

#include <cstring>

namespace fptrace::emu {

std::optional<uint32_t> FrameReader::Frame::number() const {
  uint32_t n = 0;
  if (content.size() != sizeof n) return std::nullopt;
  std::memcpy(&n, content.data(), sizeof n);
  return n;
}

Result<std::optional<FrameReader::Frame>> FrameReader::next() {
  FrameHeader header;
  const size_t left = received_.size() - at_;
  if (left >= sizeof header) std::memcpy(&header, received_.data() + at_, sizeof header);
  if (header.size > kMaxFrame || header.type > uint32_t(ToHost::kFailed))
    return fail(Errc::kBackend, "the guest sends what its init would not");
  if (left < sizeof header || left - sizeof header < header.size) {
    received_.erase(0, at_);
    at_ = 0;
    return std::optional<Frame>();
  }
  Frame frame{ToHost(header.type), received_.substr(at_ + sizeof header, header.size)};
  at_ += sizeof header + header.size;
  return std::optional<Frame>(std::move(frame));
}

std::string make_frame(ToGuest type, std::string_view content) {
  const FrameHeader header{uint32_t(type), uint32_t(content.size())};
  std::string frame(reinterpret_cast<const char*>(&header), sizeof header);
  frame += content;
  return frame;
}

}  // namespace fptrace::emu
