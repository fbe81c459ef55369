#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/log/codec.h"
#include "common/log/frame.h"

struct ZSTD_DCtx_s;

namespace fptrace {

// Where a log's bytes come from: a regular file, or memory (tests, fuzzing).
class LogBytes {
 public:
  static Result<LogBytes> open(const std::string& path);
  LogBytes(std::string name, std::string bytes)
      : name_(std::move(name)), memory_(std::move(bytes)) {
    size_ = memory_.size();
  }
  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }  // when opened; a log may still grow
  // Fewer than `n` bytes at the end.
  Result<size_t> read(uint64_t offset, char* to, size_t n) const;

 private:
  LogBytes(std::string name, UniqueFd fd, uint64_t size)
      : name_(std::move(name)), fd_(std::move(fd)), size_(size) {}
  std::string name_;
  UniqueFd fd_;
  std::string memory_;
  uint64_t size_ = 0;
};

// Reads an event log front to back, or from any seq on. Trusts nothing in it. Errors name the
// file, the offset and the chunk, and come after all events of the complete chunks before them.
class LogReader {
 public:
  // kParse: not an event log. kUnsupported: written by a newer version.
  static Result<LogReader> open(const std::string& path);
  static Result<LogReader> open(LogBytes bytes);
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;
  ~LogReader();

  const LogHeader& header() const { return header_; }
  uint64_t size() const { return bytes_.size(); }

  // nullptr after the last event of a complete log: one that has a TraceEndEvent. A log without
  // is cut short, which is an error (kIo). Valid until the next call. The first error is final
  // until the next seek.
  Result<const Event*> next();
  // Makes the event with this seq the next one, or the first one after it.
  Result<void> seek(uint64_t seq);
  // The complete chunks, in order; from the index, or found one after the other if there is none.
  Result<std::vector<ChunkRef>> chunks();
  bool has_index() const { return index_.has_value(); }  // known after chunks() or seek()

 private:
  explicit LogReader(LogBytes bytes);
  Result<void> read_file_header();
  Result<std::optional<log_detail::FrameHeader>> read_frame_header(uint64_t offset);
  Result<void> read_payload(const log_detail::FrameHeader& header);
  Result<bool> load_next_chunk();
  Result<bool> end_of_file();
  Result<void> check_index(const log_detail::FrameHeader& header);
  Result<std::vector<ChunkRef>> read_index();
  Result<std::vector<ChunkRef>> find_chunks();
  tl::unexpected<Error> damaged(uint64_t offset, const std::string& what) const;
  tl::unexpected<Error> cut_short() const;

  LogBytes bytes_;
  LogHeader header_;
  uint64_t first_frame_ = 0;                      // offset of the first chunk
  uint64_t offset_ = 0;                           // of the next frame
  uint64_t chunk_offset_ = 0, chunk_number_ = 0;  // of the chunk being read; numbers from 1
  uint64_t last_seq_ = 0;                         // of the chunk being read, or before it
  uint64_t delivered_ = 0;                        // seq of the last event given out
  uint64_t skip_before_ = 0;                      // events below this seq are not given out
  bool ended_ = false;                            // a TraceEndEvent was seen
  std::optional<std::vector<ChunkRef>> index_;
  std::string stored_, raw_;  // reused
  std::unique_ptr<ZSTD_DCtx_s, size_t (*)(ZSTD_DCtx_s*)> zstd_;
  std::unique_ptr<ChunkDecoder> decoder_;
  Result<void> state_;  // the first error
};

}  // namespace fptrace
