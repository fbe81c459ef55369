#include "common/log/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "common/log/limits.h"

namespace fptrace {

using log_detail::FrameHeader;
using log_detail::FrameKind;
using log_detail::kFileHeaderSize;
using log_detail::kFooterSize;
using log_detail::kFrameHeaderSize;

Result<LogBytes> LogBytes::open(const std::string& path) {
  // O_NONBLOCK: a FIFO must be refused, not waited for.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail_errno("open event log " + path);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return fail_errno("stat event log " + path);
  if (!S_ISREG(st.st_mode)) {
    return fail(Errc::kIo, "open event log " + path +
                               ": not a regular file (a log is read from several places; save it "
                               "to a file first)");
  }
  return LogBytes(path, std::move(fd), uint64_t(st.st_size));
}

Result<size_t> LogBytes::read(uint64_t offset, char* to, size_t n) const {
  if (offset >= size_) return size_t{0};
  n = size_t(std::min<uint64_t>(n, size_ - offset));
  if (!fd_) {
    std::memcpy(to, memory_.data() + offset, n);
    return n;
  }
  size_t done = 0;
  while (done < n) {
    const ssize_t got = ::pread(fd_.get(), to + done, n - done, off_t(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read event log " + name_);
    if (got == 0) break;  // someone truncated the file
    done += size_t(got);
  }
  return done;
}

LogReader::LogReader(LogBytes bytes)
    : bytes_(std::move(bytes)),
      zstd_(ZSTD_createDCtx(), ZSTD_freeDCtx),
      decoder_(std::make_unique<ChunkDecoder>()) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

Result<LogReader> LogReader::open(const std::string& path) {
  auto bytes = LogBytes::open(path);
  if (!bytes) return fail(bytes.error());
  return open(std::move(*bytes));
}

Result<LogReader> LogReader::open(LogBytes bytes) {
  LogReader r(std::move(bytes));
  if (!r.zstd_) return fail(Errc::kIo, "read event log " + r.bytes_.name() + ": out of memory");
  if (auto ok = r.read_file_header(); !ok) return fail(ok.error());
  return r;
}

tl::unexpected<Error> LogReader::damaged(uint64_t offset, const std::string& what) const {
  std::string intact =
      delivered_ == 0 ? std::string("no event before it could be read")
                      : "the events up to " + std::to_string(delivered_) + " before it are intact";
  return fail(Errc::kParse,
              bytes_.name() + ": damaged at offset " + std::to_string(offset) +
                  (chunk_number_ > 0 ? ", chunk " + std::to_string(chunk_number_) : std::string()) +
                  ": " + what + "; " + intact + "; for the rest, trace again");
}

tl::unexpected<Error> LogReader::cut_short() const {
  const std::string where =
      delivered_ == 0 ? "before its first event" : "after event " + std::to_string(delivered_);
  return fail(Errc::kIo, bytes_.name() + ": cut short " + where +
                             ": the trace is still running, or fptrace was killed or ran out of "
                             "disk; for the rest, trace again");
}

Result<void> LogReader::read_file_header() {
  using log_detail::kFileMagic;
  std::string head(kFileHeaderSize, '\0');
  const auto n = bytes_.read(0, head.data(), head.size());
  if (!n) return fail(n.error());
  head.resize(*n);
  if (head.empty() ||
      !kFileMagic.starts_with(std::string_view(head).substr(0, kFileMagic.size()))) {
    return fail(Errc::kParse, bytes_.name() + ": not an event log" +
                                  (head.empty() ? " (the file is empty)" : "") +
                                  "; `fptrace -l FILE -- PROGRAM` writes one");
  }
  if (head.size() < kFileHeaderSize) return cut_short();
  const uint32_t version = log_detail::get_u32(head, 8), flags = log_detail::get_u32(head, 12);
  if (version != log_detail::kFormatVersion || flags != 0) {
    return fail(Errc::kUnsupported, bytes_.name() + ": event log of format " +
                                        std::to_string(version) + " flags " +
                                        std::to_string(flags) + ", but this fptrace reads format " +
                                        std::to_string(log_detail::kFormatVersion) +
                                        " only; read it with the fptrace that wrote it");
  }
  const auto frame = read_frame_header(kFileHeaderSize);
  if (!frame) return fail(frame.error());
  if (!*frame) return cut_short();
  if ((*frame)->kind != FrameKind::kHeader) return damaged(kFileHeaderSize, "not a header frame");
  offset_ = kFileHeaderSize;
  if (auto ok = read_payload(**frame); !ok) return ok;
  auto header = decode_header(raw_);
  if (!header) return damaged(kFileHeaderSize, header.error().what);
  header_ = std::move(*header);
  first_frame_ = offset_;
  return {};
}

// Nothing when the file ends within the frame: such a frame was never written to its end.
Result<std::optional<FrameHeader>> LogReader::read_frame_header(uint64_t offset) {
  std::array<char, kFrameHeaderSize> head;
  const auto n = bytes_.read(offset, head.data(), head.size());
  if (!n) return fail(n.error());
  if (*n < head.size()) return std::nullopt;
  const auto frame = log_detail::decode_frame_header({head.data(), head.size()});
  if (!frame) return damaged(offset, "the checksum of the frame header is wrong");
  if (frame->stored > kMaxStoredBytes || frame->raw > kMaxRawBytes) {
    return damaged(offset, "a frame of " + std::to_string(frame->stored) + " bytes (" +
                               std::to_string(frame->raw) + " uncompressed) is too large");
  }
  if (bytes_.size() - offset - kFrameHeaderSize < frame->stored) return std::nullopt;
  return *frame;
}

// Puts the message of the frame at offset_ into raw_, and moves to the frame behind it.
Result<void> LogReader::read_payload(const FrameHeader& frame) {
  stored_.resize(frame.stored);
  const auto n = bytes_.read(offset_ + kFrameHeaderSize, stored_.data(), stored_.size());
  if (!n) return fail(n.error());
  if (*n != stored_.size()) return cut_short();
  if (log_detail::checksum(stored_) != frame.checksum) {
    return damaged(offset_, "the checksum of the data is wrong");
  }
  raw_.resize(frame.raw);
  const size_t size =
      ZSTD_decompressDCtx(zstd_.get(), raw_.data(), raw_.size(), stored_.data(), stored_.size());
  if (ZSTD_isError(size)) {
    return damaged(offset_, std::string("zstd: ") + ZSTD_getErrorName(size));
  }
  if (size != raw_.size()) return damaged(offset_, "the data is shorter than announced");
  offset_ += kFrameHeaderSize + frame.stored;
  return {};
}

// At the place where the file ends, or where its last frame is incomplete: false for `no more`.
// Behind the TraceEndEvent only the index can be missing, and it repeats what the chunks say.
Result<bool> LogReader::end_of_file() {
  if (ended_) return false;
  return cut_short();
}

// Behind the index there is the footer, then nothing.
Result<void> LogReader::check_index(const FrameHeader& frame) {
  const uint64_t at = offset_;
  if (auto ok = read_payload(frame); !ok) return ok;
  if (auto index = decode_index(raw_); !index) return damaged(at, index.error().what);
  std::string footer(kFooterSize + 1, '\0');
  const auto n = bytes_.read(offset_, footer.data(), footer.size());
  if (!n) return fail(n.error());
  footer.resize(*n);
  const std::string expected = log_detail::encode_footer(at);
  if (footer != expected.substr(0, footer.size())) {
    return damaged(offset_, "something else follows the index");
  }
  return {};
}

// False when there is none.
Result<bool> LogReader::load_next_chunk() {
  const auto frame = read_frame_header(offset_);
  if (!frame) return fail(frame.error());
  if (!*frame) return end_of_file();
  if ((*frame)->kind == FrameKind::kIndex) {
    if (auto ok = check_index(**frame); !ok) return fail(ok.error());
    return end_of_file();
  }
  if ((*frame)->kind != FrameKind::kChunk) return damaged(offset_, "not a chunk");
  const uint64_t first = (*frame)->first_seq, count = (*frame)->count;
  if (first <= last_seq_ || count == 0 || first + count < first) {
    return damaged(offset_, std::to_string(count) + " events from " + std::to_string(first) +
                                " on cannot follow event " + std::to_string(last_seq_));
  }
  chunk_offset_ = offset_;
  ++chunk_number_;
  if (auto ok = read_payload(**frame); !ok) return fail(ok.error());
  if (auto ok = decoder_->load(raw_, first, uint32_t(count)); !ok) {
    return damaged(chunk_offset_, ok.error().what);
  }
  last_seq_ = first + count - 1;
  return true;
}

Result<const Event*> LogReader::next() {
  while (state_) {
    const auto event = decoder_->next();
    if (!event) {
      state_ = damaged(chunk_offset_, event.error().what);
    } else if (*event == nullptr) {
      const auto more = load_next_chunk();
      if (!more) {
        state_ = fail(more.error());
      } else if (!*more) {
        return nullptr;
      }
    } else {
      delivered_ = (*event)->seq;
      ended_ |= std::holds_alternative<TraceEndEvent>((*event)->body);
      if (delivered_ >= skip_before_) return *event;
    }
  }
  return fail(state_.error());
}

Result<std::vector<ChunkRef>> LogReader::read_index() {
  const auto none = [] { return fail(Errc::kParse, "no index"); };
  std::string footer(kFooterSize, '\0');
  if (bytes_.size() < kFooterSize) return none();
  const auto n = bytes_.read(bytes_.size() - kFooterSize, footer.data(), footer.size());
  if (!n) return fail(n.error());
  const auto at = log_detail::decode_footer(footer);
  if (!at || *at < first_frame_ || *at > bytes_.size() - kFooterSize) return none();
  const auto frame = read_frame_header(*at);
  if (!frame || !*frame || (*frame)->kind != FrameKind::kIndex) return none();
  offset_ = *at;
  if (auto ok = read_payload(**frame); !ok) return fail(ok.error());
  auto chunks = decode_index(raw_);
  // An index that leads out of the file would make every seek an error; the chunks are still there.
  if (chunks && !chunks->empty() &&
      (chunks->front().offset != first_frame_ || chunks->back().offset >= *at)) {
    return none();
  }
  return chunks;
}

Result<std::vector<ChunkRef>> LogReader::find_chunks() {
  std::vector<ChunkRef> chunks;
  uint64_t last = 0;
  for (uint64_t at = first_frame_;;) {
    const auto frame = read_frame_header(at);
    // What is damaged is reported when it is read.
    if (!frame || !*frame || (*frame)->kind != FrameKind::kChunk || (*frame)->first_seq <= last) {
      return chunks;
    }
    last = (*frame)->first_seq;
    chunks.push_back({at, last, (*frame)->count});
    at += kFrameHeaderSize + (*frame)->stored;
  }
}

Result<std::vector<ChunkRef>> LogReader::chunks() {
  if (index_) return *index_;
  const uint64_t before = offset_;
  auto found = read_index();
  offset_ = before;
  if (!found) return find_chunks();
  return *(index_ = std::move(*found));
}

Result<void> LogReader::seek(uint64_t seq) {
  const auto all = chunks();
  if (!all) return fail(all.error());
  const auto after = std::ranges::upper_bound(*all, seq, {}, &ChunkRef::first_seq);
  const size_t i = after == all->begin() ? 0 : size_t(after - all->begin()) - 1;
  state_ = {};
  skip_before_ = seq;
  ended_ = false;
  offset_ = all->empty() ? first_frame_ : (*all)[i].offset;
  chunk_number_ = i;
  last_seq_ = delivered_ = i == 0 ? 0 : (*all)[i].first_seq - 1;
  return decoder_->load({}, 1, 0);  // forgets the chunk being read
}

}  // namespace fptrace
