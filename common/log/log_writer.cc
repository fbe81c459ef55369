#include "common/log/log_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <ctime>

#include "common/log/frame.h"
#include "common/log/limits.h"

namespace fptrace {
namespace {

using log_detail::FrameKind;

// A chunk is written at the latest when its message is about this long.
constexpr size_t kTargetRawBytes = 4u << 20;
static_assert(kTargetRawBytes + kMaxEventCost <= kMaxRawBytes);

// Writing past RLIMIT_FSIZE or into a pipe without a reader kills by signal before write() can
// return the error. While this object lives, this thread gets the error instead.
class WriteSignalsHeld {
 public:
  WriteSignalsHeld() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGXFSZ);
    ::sigaddset(&set_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~WriteSignalsHeld() {
    const int saved = errno;
    const timespec now{};
    while (::sigtimedwait(&set_, nullptr, &now) > 0) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = saved;
  }
  WriteSignalsHeld(const WriteSignalsHeld&) = delete;
  WriteSignalsHeld& operator=(const WriteSignalsHeld&) = delete;

 private:
  sigset_t set_, before_;
};

int open_retrying(const char* path) {
  int fd = -1;
  do {
    fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
  } while (fd < 0 && errno == EINTR);  // opening a FIFO waits
  return fd;
}

}  // namespace

LogWriter::LogWriter(std::string path, UniqueFd fd, Options options)
    : path_(std::move(path)),
      options_(std::move(options)),
      fd_(std::move(fd)),
      zstd_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
  struct stat st {};
  regular_ = ::fstat(fd_.get(), &st) == 0 && S_ISREG(st.st_mode);
}

Result<std::unique_ptr<LogWriter>> LogWriter::create(const std::string& path, Options options) {
  UniqueFd fd(open_retrying(path.c_str()));
  if (!fd) return fail_errno("create event log " + path);
  std::unique_ptr<LogWriter> w(new LogWriter(path, std::move(fd), std::move(options)));
  if (!w->zstd_) return fail(Errc::kIo, "create event log " + path + ": out of memory");
  ZSTD_CCtx_setParameter(w->zstd_.get(), ZSTD_c_compressionLevel, w->options_.zstd_level);
  if (auto ok = w->write_all(log_detail::encode_file_header()); !ok) return fail(ok.error());
  w->raw_ = encode_header({uint32_t(w->options_.capabilities), w->options_.writer});
  if (auto ok = w->write_frame(uint32_t(FrameKind::kHeader), 0, 0); !ok) return fail(ok.error());
  return w;
}

LogWriter::~LogWriter() { (void)finish(); }

// All of `bytes`, or an error and the file as it was.
Result<void> LogWriter::write_all(std::string_view bytes) {
  const WriteSignalsHeld held;
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
    if (n > 0) {
      rest.remove_prefix(size_t(n));
    } else if (n == 0 || errno != EINTR) {
      const int err = n == 0 ? ENOSPC : errno;
      // A reader copes with half a frame; without it, it does not even need to.
      if (regular_) (void)!::ftruncate(fd_.get(), off_t(offset_));
      return fail_errno("write event log " + path_, err);
    }
  }
  offset_ += bytes.size();
  return {};
}

// Compresses raw_ and writes it as one frame.
Result<void> LogWriter::write_frame(uint32_t kind, uint32_t count, uint64_t first_seq) {
  using log_detail::kFrameHeaderSize;
  frame_.resize(kFrameHeaderSize + ZSTD_compressBound(raw_.size()));
  const size_t n = ZSTD_compress2(zstd_.get(), frame_.data() + kFrameHeaderSize,
                                  frame_.size() - kFrameHeaderSize, raw_.data(), raw_.size());
  if (ZSTD_isError(n)) {
    return fail(Errc::kIo, "compress event log " + path_ + ": " + ZSTD_getErrorName(n));
  }
  frame_.resize(kFrameHeaderSize + n);
  const auto head =
      log_detail::encode({FrameKind(kind), uint32_t(n), uint32_t(raw_.size()), count, first_seq,
                          log_detail::checksum(std::string_view(frame_).substr(kFrameHeaderSize))});
  frame_.replace(0, head.size(), head.data(), head.size());
  return write_all(frame_);
}

Result<void> LogWriter::lose(uint64_t seq, const std::string& why) {
  return state_ = fail(Errc::kIo, why + "; the log ends before event " + std::to_string(seq) +
                                      ", the events from there on are lost");
}

Result<void> LogWriter::write_chunk() {
  const uint32_t count = encoder_.count();
  flushed_ns_ = last_time_ns_;
  if (count == 0) return {};
  const uint64_t offset = offset_;
  encoder_.finish(raw_);
  if (auto ok = write_frame(uint32_t(FrameKind::kChunk), count, first_seq_); !ok) {
    state_ = lose(first_seq_, ok.error().what);
    state_.error().code = ok.error().code;
    state_.error().sys = ok.error().sys;
    return state_;
  }
  chunks_.push_back({offset, first_seq_, count});
  return {};
}

Result<void> LogWriter::add(const Event& event) {
  if (event.seq <= last_seq_) {
    return lose(event.seq, "event " + std::to_string(event.seq) + " comes after event " +
                               std::to_string(last_seq_));
  }
  const uint64_t weight = encoder_.weigh(event);
  if (weight > kMaxEventCost) {
    return lose(event.seq, "event log " + path_ + ": event " + std::to_string(event.seq) +
                               " is larger than " + std::to_string(kMaxEventCost) + " bytes");
  }
  const bool follows = event.seq == last_seq_ + 1;  // a chunk stores one seq, that of its start
  if (encoder_.count() > 0 && (!follows || encoder_.cost() + weight > kMaxChunkCost)) {
    if (auto ok = write_chunk(); !ok) return ok;
  }
  if (encoder_.count() == 0) first_seq_ = event.seq;
  encoder_.add(event, weight);
  last_seq_ = event.seq;
  last_time_ns_ = event.time_ns;
  return {};
}

Result<void> LogWriter::on_event(const Event& event) {
  if (!state_) return state_;
  if (finished_) return fail(Errc::kIo, "event log " + path_ + " is finished");
  if (auto ok = add(event); !ok) {
    // What was collected before the event that cannot be written is still good.
    if (auto rest = write_chunk(); !rest) return rest;
    return ok;
  }
  if (encoder_.count() >= options_.chunk_events || encoder_.raw_size() >= kTargetRawBytes ||
      std::holds_alternative<TraceEndEvent>(event.body) ||
      event.time_ns >=
          flushed_ns_ + uint64_t(std::chrono::nanoseconds(options_.max_delay).count())) {
    return write_chunk();
  }
  return {};
}

Result<void> LogWriter::flush() {
  if (!state_ || finished_) return state_;
  return write_chunk();
}

// The index only saves a reader from looking for the chunks, but that it cannot be written says
// that something is wrong with the disk: that is worth an error.
Result<void> LogWriter::write_index() {
  const uint64_t offset = offset_;
  raw_ = encode_index(chunks_);
  auto ok = write_frame(uint32_t(FrameKind::kIndex), uint32_t(chunks_.size()), 0);
  if (ok) ok = write_all(log_detail::encode_footer(offset));
  if (!ok) {
    ok.error().what += "; the log has every event up to " + std::to_string(last_seq_) +
                       " but no index, which readers do without";
  }
  return ok;
}

Result<void> LogWriter::finish() {
  if (std::exchange(finished_, true)) return state_;
  if (state_) state_ = write_chunk();
  if (state_) state_ = write_index();
  // Some file systems report a full disk or quota only here.
  if (::close(fd_.release()) != 0 && errno != EINTR && state_) {
    state_ = fail_errno("close event log " + path_);
  }
  return state_;
}

}  // namespace fptrace
