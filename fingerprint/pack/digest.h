#pragma once
#include <memory>
#include <string_view>

#include "common/base/result.h"
#include "common/event/event.h"

struct evp_md_ctx_st;

namespace fptrace::pack {

// SHA-256 of what comes in pieces. start() may be called again for the next text.
class Digest {
 public:
  Digest();
  Result<void> start();
  Result<void> add(std::string_view bytes);
  Result<Sha256> finish();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

Result<Sha256> sha256_of(std::string_view bytes);

}  // namespace fptrace::pack
