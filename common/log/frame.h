#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// How bytes are laid out in an event log, outside the protobuf messages: docs/log-format.md.

namespace fptrace::log_detail {

// The file header: magic, version, flags. A "text mode" transfer damages the magic's line ends.
constexpr std::string_view kFileMagic(
    "\x89"
    "FPLOG\r\n",
    8);
// Grows with every change that an older reader would misread, a new event type included.
constexpr uint32_t kFormatVersion = 1;
constexpr size_t kFileHeaderSize = 16;
std::string encode_file_header();

// A frame: 40 bytes of header, then `stored` bytes, the zstd-compressed message.
enum class FrameKind : uint32_t {  // the first four bytes: "FPHD", "FPCK", "FPIX"
  kHeader = 0x44485046,
  kChunk = 0x4b435046,
  kIndex = 0x58495046,
};
constexpr size_t kFrameHeaderSize = 40;
struct FrameHeader {
  FrameKind kind = FrameKind::kChunk;
  uint32_t stored = 0;     // bytes that follow this header
  uint32_t raw = 0;        // bytes of the message
  uint32_t count = 0;      // events (chunk), chunks (index)
  uint64_t first_seq = 0;  // of a chunk
  uint64_t checksum = 0;   // XXH64 of the stored bytes
  bool operator==(const FrameHeader&) const = default;
};
std::array<char, kFrameHeaderSize> encode(const FrameHeader& header);
// Nothing if the header's own checksum is wrong. `bytes` has kFrameHeaderSize bytes.
std::optional<FrameHeader> decode_frame_header(std::string_view bytes);

// The last bytes of a log that was finished: where its index frame is.
constexpr size_t kFooterSize = 16;
std::string encode_footer(uint64_t index_offset);
std::optional<uint64_t> decode_footer(std::string_view bytes);

uint64_t checksum(std::string_view bytes);
uint32_t get_u32(std::string_view bytes, size_t at);  // little-endian

}  // namespace fptrace::log_detail
