#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/content/sha256.h"

// Bytes on their way from a tar writer to a file, through a compressor.
namespace fptrace::pack {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Result<void> write(std::string_view bytes) = 0;
  virtual Result<void> finish() = 0;  // finishes what lies behind it as well
};

// To a descriptor, which stays the caller's; counts what goes through.
class FdSink : public ByteSink {
 public:
  FdSink(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  Result<void> write(std::string_view bytes) override;
  Result<void> finish() override { return {}; }
  uint64_t size() const { return size_; }

 private:
  int fd_;
  std::string name_;  // for error texts
  uint64_t size_ = 0;
};

// Into memory.
class StringSink : public ByteSink {
 public:
  Result<void> write(std::string_view bytes) override {
    text_.append(bytes);
    return {};
  }
  Result<void> finish() override { return {}; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Hashes what goes through.
class HashSink : public ByteSink {
 public:
  explicit HashSink(ByteSink& next) : next_(next) {}
  Result<void> write(std::string_view bytes) override;
  Result<void> finish() override;
  const Sha256& sha256() const { return sha256_; }  // after finish()

 private:
  ByteSink& next_;
  bool started_ = false;
  Sha256Stream digest_;
  Sha256 sha256_{};
};

enum class Compression { kNone, kGzip, kZstd };
// Compresses with all processors; what comes out does not depend on their number. `next` must
// outlive it.
Result<std::unique_ptr<ByteSink>> make_compressor(Compression compression, ByteSink& next);

}  // namespace fptrace::pack
