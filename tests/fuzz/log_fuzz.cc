// fuzz-deps: fptrace::log zstd
#include <zstd.h>

#include <cstdint>
#include <string>

#include "common/log/codec.h"
#include "common/log/frame.h"
#include "common/log/log_reader.h"
#include "tests/unit/common/log/sample_events.h"

// A reader over arbitrary bytes. Checksums and compression would keep nearly all of them from the
// code behind, so the first byte chooses how deep the rest goes.

namespace {

using namespace fptrace;

void read_file(std::string bytes) {
  auto reader = LogReader::open(LogBytes("fuzz", std::move(bytes)));
  if (!reader) return;
  for (auto e = reader->next(); e && *e != nullptr; e = reader->next()) continue;
  if (reader->seek(1000)) (void)reader->next();
}

std::string_view take(std::string_view& from, size_t n) {
  const auto head = from.substr(0, n);
  from.remove_prefix(head.size());
  return head;
}

// Any message in a frame that is right in itself.
std::string frame(log_detail::FrameKind kind, uint32_t count, uint64_t seq, std::string_view raw) {
  std::string data(ZSTD_compressBound(raw.size()), '\0');
  data.resize(ZSTD_compress(data.data(), data.size(), raw.data(), raw.size(), 1));
  const auto head = log_detail::encode(
      {kind, uint32_t(data.size()), uint32_t(raw.size()), count, seq, log_detail::checksum(data)});
  return std::string(head.data(), head.size()) + data;
}

// Frames whose kind, count, seq and message are the fuzzer's.
void read_frames(std::string_view in) {
  constexpr log_detail::FrameKind kKinds[] = {
      log_detail::FrameKind::kChunk, log_detail::FrameKind::kIndex, log_detail::FrameKind::kHeader};
  std::string file = log_detail::encode_file_header() +
                     frame(log_detail::FrameKind::kHeader, 0, 0, encode_header({}));
  while (in.size() >= 4) {
    const auto head = take(in, 4);
    file += frame(kKinds[uint8_t(head[0]) % 3], uint8_t(head[1]), uint8_t(head[2]),
                  take(in, uint8_t(head[3])));
  }
  read_file(std::move(file));
}

void read_chunk(std::string_view raw, uint32_t count) {
  ChunkDecoder decoder;
  if (!decoder.load(raw, 1, count)) return;
  for (auto e = decoder.next(); e && *e != nullptr; e = decoder.next()) continue;
}

// A real chunk with every event type, in which bytes are replaced: (position, position, value)...
void read_edited_chunk(std::string_view edits) {
  static const auto events = testing::sample_events();
  static const std::string real = [] {
    ChunkEncoder encoder;
    for (const auto& e : events) encoder.add(e, encoder.weigh(e));
    std::string raw;
    encoder.finish(raw);
    return raw;
  }();
  std::string raw = real;
  while (edits.size() >= 3) {
    const auto edit = take(edits, 3);
    const size_t at = size_t(uint8_t(edit[0])) << 8 | uint8_t(edit[1]);
    raw[at % raw.size()] = edit[2];
  }
  read_chunk(raw, uint32_t(events.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.size() < 2) return 0;
  switch (const auto head = take(rest, 2); uint8_t(head[0]) % 5) {
    case 0:
      read_file(std::string(rest));
      break;
    case 1:
      read_frames(rest);
      break;
    case 2:
      read_chunk(rest, uint8_t(head[1]));
      break;
    case 3:
      read_edited_chunk(rest);
      break;
    default:
      (void)decode_index(rest);
  }
  return 0;
}
