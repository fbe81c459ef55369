#include "common/content/sha256.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace fptrace {

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) { start(); }

void Sha256Stream::start() {
  ok_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
}

void Sha256Stream::add(std::string_view bytes) {
  ok_ = ok_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
}

Result<Sha256> Sha256Stream::finish() {
  Sha256 digest;
  if (!ok_ || EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1)
    return fail(Errc::kUnsupported, "OpenSSL computes no SHA-256");
  return digest;
}

Result<Sha256> sha256_of(std::string_view bytes) {
  Sha256Stream stream;
  stream.add(bytes);
  return stream.finish();
}

Result<Sha256> sha256_of(
    const std::function<Result<size_t>(uint64_t offset, std::span<char>)>& read) {
  constexpr size_t kBlock = size_t{256} << 10;
  Sha256Stream stream;
  thread_local std::vector<char> block(kBlock);
  for (uint64_t at = 0;;) {
    const auto n = read(at, block);
    if (!n) return fail(n.error());
    if (*n == 0) return stream.finish();
    stream.add({block.data(), *n});
    at += *n;
  }
}

Result<Sha256> sha256_of(int fd) {
  return sha256_of([fd](uint64_t at, std::span<char> out) -> Result<size_t> {
    for (;;) {
      const ssize_t n = ::pread(fd, out.data(), out.size(), off_t(at));
      if (n >= 0) return size_t(n);
      if (errno != EINTR) return fail_errno("read for SHA-256");
    }
  });
}

}  // namespace fptrace
