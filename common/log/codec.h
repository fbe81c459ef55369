#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/event/event.h"

// Event <-> the protobuf messages of event.proto. Pure: no I/O, no compression, no frames. The
// implementation is the only place that includes event.pb.h.

namespace fptrace {

struct LogHeader {
  uint32_t capabilities = 0;  // Cap bits
  std::string writer;
  bool operator==(const LogHeader&) const = default;
};
std::string encode_header(const LogHeader& header);
Result<LogHeader> decode_header(std::string_view raw);

struct ChunkRef {
  uint64_t offset = 0;  // of the chunk's frame in the file
  uint64_t first_seq = 0;
  uint32_t count = 0;
  bool operator==(const ChunkRef&) const = default;
};
std::string encode_index(const std::vector<ChunkRef>& chunks);
// In the order of the file: an index that goes backwards is an error.
Result<std::vector<ChunkRef>> decode_index(std::string_view raw);

// Collects events, then gives them as one serialized Chunk. Reuses its memory from chunk to chunk.
class ChunkEncoder {
 public:
  ChunkEncoder();
  ~ChunkEncoder();

  // What `event` weighs against kMaxEventCost and kMaxChunkCost. Adds nothing.
  uint64_t weigh(const Event& event);
  // The caller sees to consecutive seqs and to the limits. `weight` is weigh(event).
  void add(const Event& event, uint64_t weight);
  uint32_t count() const;
  size_t raw_size() const;  // estimate, in bytes, of what finish() will write
  uint64_t cost() const;    // of the events added, together
  // Replaces `out` by the serialized chunk and starts an empty one.
  void finish(std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Gives the events of one serialized Chunk after another. Reuses its memory, the events' too.
class ChunkDecoder {
 public:
  ChunkDecoder();
  ~ChunkDecoder();

  // Checks the tables. Any bytes are allowed; `count` events are expected. A failed load leaves an
  // empty chunk. Errors are kParse and say what is wrong inside the chunk, not where the chunk is.
  Result<void> load(std::string_view raw, uint64_t first_seq, uint32_t count);
  // nullptr after the last event. The event is valid until the next call. After an error the rest
  // of the chunk cannot be read.
  Result<const Event*> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fptrace
