#include "fingerprint/pack/digest.h"

#include <openssl/evp.h>

namespace fptrace::pack {
namespace {

tl::unexpected<Error> failed() { return fail(Errc::kUnsupported, "OpenSSL computes no SHA-256"); }

}  // namespace

Digest::Digest() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {}

Result<void> Digest::start() {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) return failed();
  return {};
}

Result<void> Digest::add(std::string_view bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) return failed();
  return {};
}

Result<Sha256> Digest::finish() {
  Sha256 out;
  if (EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) != 1) return failed();
  return out;
}

Result<Sha256> sha256_of(std::string_view bytes) {
  Digest d;
  if (auto ok = d.start(); !ok) return fail(ok.error());
  if (auto ok = d.add(bytes); !ok) return fail(ok.error());
  return d.finish();
}

}  // namespace fptrace::pack
