#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "common/base/result.h"
#include "common/event/event.h"

struct evp_md_ctx_st;

namespace fptrace {

// SHA-256 of what comes in pieces. A failure of OpenSSL is told by finish().
class Sha256Stream {
 public:
  Sha256Stream();
  void start();  // anew; the constructor has started the first one
  void add(std::string_view bytes);
  Result<Sha256> finish();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
  bool ok_ = false;
};

Result<Sha256> sha256_of(std::string_view bytes);

// SHA-256 of what can be read from `fd` between its start and its end; the descriptor's position
// is not used. Blocks for as long as the reading takes (about 2 GB/s from the page cache).
Result<Sha256> sha256_of(int fd);

// The same of whatever `read` copies from an offset; it returns how many bytes there were, 0 at the
// end.
Result<Sha256> sha256_of(
    const std::function<Result<size_t>(uint64_t offset, std::span<char>)>& read);

}  // namespace fptrace
