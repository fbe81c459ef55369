#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/event/tracer.h"
#include "common/log/codec.h"

struct ZSTD_CCtx_s;

namespace fptrace {

// Writes an event log while its events happen. Events are collected into chunks; each chunk is
// compressed and written whole, by the caller of on_event, when it is large enough or when the one
// before it is `max_delay` older. So whatever ends this process costs at most the events of the
// last `max_delay`, and never a chunk that was written before. That is counted in the events' own
// time: equal events make equal files.
class LogWriter : public EventSink {
 public:
  struct Options {
    Cap capabilities = Cap::kNone;  // of the tracer whose events are written
    std::string writer = "fptrace";
    uint32_t chunk_events = 65536;
    std::chrono::milliseconds max_delay{200};
    int zstd_level = 3;
  };

  // Creates or empties `path`, readable by the owner only (it holds the environments of all
  // processes), and writes the header: what cannot be written is known before the trace begins.
  // The descriptor is close-on-exec. Nothing but a regular file can be read back in place, but
  // pipes and devices are written to as well.
  static Result<std::unique_ptr<LogWriter>> create(const std::string& path, Options options);
  ~LogWriter() override;  // finishes, if nobody did
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Seqs must grow. The first error is final, says from which seq on events are lost, and is
  // returned ever after; the chunks written before it stay readable.
  Result<void> on_event(const Event& event) override;
  Result<void> on_idle() override { return flush(); }
  // Writes what was collected.
  Result<void> flush();
  // Writes the rest and the index, and closes the file. The first error of the log's life, if any.
  Result<void> finish();

  uint64_t bytes() const { return offset_; }  // written so far

 private:
  LogWriter(std::string path, UniqueFd fd, Options options);
  Result<void> write_frame(uint32_t kind, uint32_t count, uint64_t first_seq);
  Result<void> write_all(std::string_view bytes);
  Result<void> add(const Event& event);
  Result<void> write_chunk();
  Result<void> write_index();
  Result<void> lose(uint64_t seq, const std::string& why);

  const std::string path_;
  const Options options_;
  UniqueFd fd_;
  bool regular_ = false;  // can be truncated
  bool finished_ = false;
  uint64_t offset_ = 0;  // end of the last complete frame
  ChunkEncoder encoder_;
  std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s*)> zstd_;
  std::string raw_, frame_;  // reused
  std::vector<ChunkRef> chunks_;
  uint64_t first_seq_ = 0, last_seq_ = 0;       // of the chunk being collected; of the last event
  uint64_t last_time_ns_ = 0, flushed_ns_ = 0;  // of the last event; of the last one in a chunk
  Result<void> state_;                          // the first error
};

}  // namespace fptrace
