#include "backends/emu/recording/sparse_file.h"

#include <unistd.h>
#include <zstd.h>

#include <cstring>
#include <memory>
#include <vector>

namespace fptrace::emu {
namespace {

constexpr uint64_t kEnd = ~uint64_t{0};
// Whoever records waits for this. Most of it is libraries that resemble each other from afar, so a
// long window packs better than a high level, in less time.
constexpr int kLevel = 3;
constexpr int kWindowLog = 27;  // the most that every reader takes

class Compressor {
 public:
  // `size`: of all that will be added.
  Compressor(const ByteSink& sink, uint64_t size) : sink_(sink), out_(ZSTD_CStreamOutSize()) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, kWindowLog);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setPledgedSrcSize(context_.get(), size);  // little takes little memory
  }
  Result<void> add(const void* data, size_t size) { return run({data, size, 0}, ZSTD_e_continue); }
  Result<void> number(uint64_t n) { return add(&n, sizeof n); }
  Result<void> end() { return run({nullptr, 0, 0}, ZSTD_e_end); }

 private:
  Result<void> run(ZSTD_inBuffer in, ZSTD_EndDirective directive) {
    for (;;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
      if (ZSTD_isError(left) != 0) return fail(Errc::kIo, ZSTD_getErrorName(left));
      if (auto ok = sink_({out_.data(), out.pos}); !ok) return ok;
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
    }
  }

  const ByteSink& sink_;
  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_{ZSTD_createCCtx(), ZSTD_freeCCtx};
  std::vector<char> out_;
};

class Decompressor {
 public:
  explicit Decompressor(const ByteSource& source) : source_(source), in_(ZSTD_DStreamInSize()) {}

  // All of `size`, or an error.
  Result<void> read(char* out, size_t size) {
    ZSTD_outBuffer target{out, size, 0};
    while (target.pos < target.size) {
      if (auto ok = step(target); !ok) return ok;
    }
    return {};
  }

  // What is behind the last byte: the checksum, and nothing else.
  Result<void> end() {
    char more;
    ZSTD_outBuffer target{&more, 1, 0};
    while (!complete_ && target.pos == 0) {
      if (auto ok = step(target); !ok) return ok;
    }
    if (target.pos != 0 || input_.pos != input_.size)
      return fail(Errc::kParse, "the disk's contents are damaged: more than there should be");
    return {};
  }

 private:
  Result<void> step(ZSTD_outBuffer& target) {
    if (input_.pos == input_.size) {
      const auto n = source_(in_.data(), in_.size());
      if (!n) return fail(n.error());
      if (*n == 0) return fail(Errc::kParse, "the disk's contents are cut short");
      input_ = {in_.data(), *n, 0};
    }
    const size_t r = ZSTD_decompressStream(context_.get(), &target, &input_);
    if (ZSTD_isError(r) != 0)
      return fail(Errc::kParse,
                  std::string("the disk's contents are damaged: ") + ZSTD_getErrorName(r));
    complete_ = r == 0;
    return {};
  }

  const ByteSource& source_;
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_{ZSTD_createDCtx(), ZSTD_freeDCtx};
  std::vector<char> in_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool complete_ = false;  // the frame has ended
};

// What lies between two holes.
struct Piece {
  uint64_t begin, end;
};

Result<std::vector<Piece>> pieces_of(int fd) {
  std::vector<Piece> all;
  for (off_t at = 0;;) {
    const off_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return all;  // only a hole is left
    at = data < 0 ? data : ::lseek(fd, data, SEEK_HOLE);
    if (at < 0) return fail_errno("read the disk's contents");
    all.push_back({uint64_t(data), uint64_t(at)});
  }
}

uint64_t packed_from(const std::vector<Piece>& pieces) {
  uint64_t size = sizeof kEnd;
  for (const Piece& p : pieces) size += 2 * sizeof(uint64_t) + (p.end - p.begin);
  return size;
}

Result<void> pack_piece(Compressor& out, int fd, const Piece& piece) {
  std::vector<char> buffer(1 << 20);
  if (auto ok = out.number(piece.begin); !ok) return ok;
  if (auto ok = out.number(piece.end - piece.begin); !ok) return ok;
  for (uint64_t offset = piece.begin; offset < piece.end;) {
    const size_t want = size_t(std::min<uint64_t>(buffer.size(), piece.end - offset));
    const ssize_t n = ::pread(fd, buffer.data(), want, off_t(offset));
    if (n <= 0) return fail_errno("read the disk's contents");
    if (auto ok = out.add(buffer.data(), size_t(n)); !ok) return ok;
    offset += uint64_t(n);
  }
  return {};
}

Result<void> write_all_at(int fd, const char* data, size_t size, uint64_t offset) {
  while (size > 0) {
    const ssize_t n = ::pwrite(fd, data, size, off_t(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write the disk's contents");
    data += n;
    size -= size_t(n);
    offset += uint64_t(n);
  }
  return {};
}

}  // namespace

Result<void> pack_sparse(int fd, const ByteSink& sink) {
  const auto pieces = pieces_of(fd);
  if (!pieces) return fail(pieces.error());
  Compressor out(sink, packed_from(*pieces));
  for (const Piece& piece : *pieces)
    if (auto ok = pack_piece(out, fd, piece); !ok) return ok;
  if (auto ok = out.number(kEnd); !ok) return ok;
  return out.end();
}

Result<void> unpack_sparse(const ByteSource& source, int fd, uint64_t size) {
  if (::ftruncate(fd, off_t(size)) != 0) return fail_errno("make the disk's contents");
  Decompressor in(source);
  std::vector<char> buffer(1 << 20);
  for (uint64_t done = 0;;) {
    uint64_t offset = 0, length = 0;
    if (auto ok = in.read(reinterpret_cast<char*>(&offset), sizeof offset); !ok) return ok;
    if (offset == kEnd) return in.end();
    if (auto ok = in.read(reinterpret_cast<char*>(&length), sizeof length); !ok) return ok;
    // In order, so that the whole cannot be more than the file.
    if (offset < done || offset > size || length > size - offset)
      return fail(Errc::kParse, "the disk's contents are damaged: a piece is not where it may be");
    done = offset + length;
    while (offset < done) {
      const size_t n = size_t(std::min<uint64_t>(buffer.size(), done - offset));
      if (auto ok = in.read(buffer.data(), n); !ok) return ok;
      if (auto ok = write_all_at(fd, buffer.data(), n, offset); !ok) return ok;
      offset += n;
    }
  }
}

}  // namespace fptrace::emu
