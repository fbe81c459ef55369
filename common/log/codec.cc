#include "common/log/codec.h"

#include "common/log/event.pb.h"

namespace fptrace {

namespace pb = log::v1;

std::string encode_header(const LogHeader& header) {
  pb::Header m;
  m.set_capabilities(header.capabilities);
  m.set_writer(header.writer);
  return m.SerializeAsString();
}

Result<LogHeader> decode_header(std::string_view raw) {
  pb::Header m;
  if (!m.ParseFromArray(raw.data(), int(raw.size()))) {
    return fail(Errc::kParse, "the header is not a protobuf Header message");
  }
  return LogHeader{m.capabilities(), m.writer()};
}

std::string encode_index(const std::vector<ChunkRef>& chunks) {
  pb::Index m;
  ChunkRef last;
  for (const auto& c : chunks) {
    m.add_offset(c.offset - last.offset);
    m.add_first_seq(c.first_seq - last.first_seq);
    m.add_count(c.count);
    last = c;
  }
  return m.SerializeAsString();
}

Result<std::vector<ChunkRef>> decode_index(std::string_view raw) {
  pb::Index m;
  if (!m.ParseFromArray(raw.data(), int(raw.size())) || m.first_seq_size() != m.offset_size() ||
      m.count_size() != m.offset_size()) {
    return fail(Errc::kParse, "the index is not a protobuf Index message");
  }
  std::vector<ChunkRef> chunks;
  chunks.reserve(size_t(m.offset_size()));
  ChunkRef last;
  for (int i = 0; i < m.offset_size(); ++i) {
    const ChunkRef c{last.offset + m.offset(i), last.first_seq + m.first_seq(i), m.count(i)};
    if (c.offset <= last.offset || c.first_seq <= last.first_seq) {
      return fail(Errc::kParse, "the index goes backwards at entry " + std::to_string(i));
    }
    chunks.push_back(last = c);
  }
  return chunks;
}

}  // namespace fptrace
