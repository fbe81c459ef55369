#include <libdeflate.h>
#include <zstd.h>

#include <deque>
#include <future>
#include <thread>

#include "fingerprint/pack/sink.h"

namespace fptrace::pack {
namespace {

constexpr int kZstdLevel = 3, kGzipLevel = 6;  // what the two programs do by themselves

unsigned processors() { return std::max(1u, std::thread::hardware_concurrency()); }

class ZstdSink : public ByteSink {
 public:
  ZstdSink(ZSTD_CCtx* context, ByteSink& next) : context_(context, &ZSTD_freeCCtx), next_(next) {}

  Result<void> write(std::string_view bytes) override { return push(bytes, ZSTD_e_continue); }
  Result<void> finish() override {
    if (auto ok = push({}, ZSTD_e_end); !ok) return ok;
    return next_.finish();
  }

 private:
  Result<void> push(std::string_view bytes, ZSTD_EndDirective how) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, how);
      if (ZSTD_isError(left)) {
        return fail(Errc::kIo, std::string("compress: ") + ZSTD_getErrorName(left));
      }
      if (out.pos > 0)
        if (auto ok = next_.write({buffer_.data(), out.pos}); !ok) return ok;
      if (how == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
    }
  }

  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_;
  ByteSink& next_;
  std::string buffer_ = std::string(ZSTD_CStreamOutSize(), '\0');
};

Result<std::unique_ptr<ByteSink>> make_zstd(ByteSink& next) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  if (context == nullptr) return fail(Errc::kIo, "compress: out of memory");
  auto sink = std::make_unique<ZstdSink>(context, next);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kZstdLevel);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  // From one worker on, their number does not change the output; none at all does, which is what
  // a libzstd built without threads gives.
  ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, int(processors()));
  return sink;
}

using Deflater = std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)>;

// A member of its own for every part of the input: RFC 1952 section 2.2 lets a file have several.
Result<std::string> gzip_member(const std::string& bytes) {
  const Deflater deflater(libdeflate_alloc_compressor(kGzipLevel), &libdeflate_free_compressor);
  if (!deflater) return fail(Errc::kIo, "compress: out of memory");
  std::string out(libdeflate_gzip_compress_bound(deflater.get(), bytes.size()), '\0');
  const size_t n =
      libdeflate_gzip_compress(deflater.get(), bytes.data(), bytes.size(), out.data(), out.size());
  if (n == 0) return fail(Errc::kIo, "compress: no room for the result");
  out.resize(n);
  return out;
}

class GzipSink : public ByteSink {
 public:
  explicit GzipSink(ByteSink& next) : next_(next) {}

  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const size_t n = std::min(bytes.size(), kPart - part_.size());
      part_.append(bytes.substr(0, n));
      bytes.remove_prefix(n);
      if (part_.size() < kPart) continue;
      if (auto ok = start(); !ok) return ok;
    }
    return {};
  }
  Result<void> finish() override {
    any_ = any_ || !part_.empty();
    if (!part_.empty() || !any_)
      if (auto ok = start(); !ok) return ok;
    while (!running_.empty())
      if (auto ok = take_one(); !ok) return ok;
    return next_.finish();
  }

 private:
  static constexpr size_t kPart = 4 << 20;

  Result<void> start() {
    any_ = true;
    while (running_.size() >= processors())
      if (auto ok = take_one(); !ok) return ok;
    running_.push_back(std::async(std::launch::async,
                                  [part = std::exchange(part_, {})] { return gzip_member(part); }));
    return {};
  }
  Result<void> take_one() {
    const auto member = running_.front().get();
    running_.pop_front();
    if (!member) return fail(member.error());
    return next_.write(*member);
  }

  ByteSink& next_;
  std::string part_;
  bool any_ = false;  // an empty input needs a member too
  std::deque<std::future<Result<std::string>>> running_;
};

class PlainSink : public ByteSink {
 public:
  explicit PlainSink(ByteSink& next) : next_(next) {}
  Result<void> write(std::string_view bytes) override { return next_.write(bytes); }
  Result<void> finish() override { return next_.finish(); }

 private:
  ByteSink& next_;
};

}  // namespace

Result<std::unique_ptr<ByteSink>> make_compressor(Compression compression, ByteSink& next) {
  switch (compression) {
    case Compression::kGzip:
      return std::unique_ptr<ByteSink>(std::make_unique<GzipSink>(next));
    case Compression::kZstd:
      return make_zstd(next);
    case Compression::kNone:
      break;
  }
  return std::unique_ptr<ByteSink>(std::make_unique<PlainSink>(next));
}

}  // namespace fptrace::pack
