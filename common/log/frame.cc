#include "common/log/frame.h"

#include <xxhash.h>

#include <algorithm>

namespace fptrace::log_detail {
namespace {

constexpr std::string_view kFooterMagic = "FPLOGEND";
constexpr size_t kHeaderChecksumAt = 32;

template <class T>
char* put(char* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) *to++ = char(value >> (8 * i));
  return to;
}
template <class T>
T get(std::string_view bytes, size_t at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= T(uint8_t(bytes[at + i])) << (8 * i);
  return value;
}

}  // namespace

uint64_t checksum(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }
uint32_t get_u32(std::string_view bytes, size_t at) { return get<uint32_t>(bytes, at); }

std::string encode_file_header() {
  std::string out(kFileMagic);
  out.resize(kFileHeaderSize);
  put(put(out.data() + kFileMagic.size(), kFormatVersion), uint32_t{0});
  return out;
}

std::array<char, kFrameHeaderSize> encode(const FrameHeader& h) {
  std::array<char, kFrameHeaderSize> out;
  char* to = put(out.data(), uint32_t(h.kind));
  to = put(put(put(to, h.stored), h.raw), h.count);
  to = put(put(to, h.first_seq), h.checksum);
  put(to, checksum({out.data(), kHeaderChecksumAt}));
  return out;
}

std::optional<FrameHeader> decode_frame_header(std::string_view b) {
  if (get<uint64_t>(b, kHeaderChecksumAt) != checksum(b.substr(0, kHeaderChecksumAt))) return {};
  return FrameHeader{FrameKind(get_u32(b, 0)), get_u32(b, 4),        get_u32(b, 8),
                     get_u32(b, 12),           get<uint64_t>(b, 16), get<uint64_t>(b, 24)};
}

std::string encode_footer(uint64_t index_offset) {
  std::string out(kFooterSize, '\0');
  std::ranges::copy(kFooterMagic, put(out.data(), index_offset));
  return out;
}

std::optional<uint64_t> decode_footer(std::string_view bytes) {
  if (bytes.size() != kFooterSize || bytes.substr(8) != kFooterMagic) return {};
  return get<uint64_t>(bytes, 0);
}

}  // namespace fptrace::log_detail
