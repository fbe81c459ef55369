#include "common/content/sha256.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace fptrace {

Result<Sha256> sha256_of(
    const std::function<Result<size_t>(uint64_t offset, std::span<char>)>& read) {
  constexpr size_t kBlock = 256 * 1024;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
    return fail(Errc::kUnsupported, "SHA-256 is not available from OpenSSL");
  thread_local std::vector<char> block(kBlock);
  for (uint64_t at = 0;;) {
    const auto n = read(at, block);
    if (!n) return fail(n.error());
    if (*n == 0) break;
    if (EVP_DigestUpdate(context.get(), block.data(), *n) != 1)
      return fail(Errc::kUnsupported, "SHA-256 failed in OpenSSL");
    at += *n;
  }
  Sha256 digest;
  if (EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1)
    return fail(Errc::kUnsupported, "SHA-256 failed in OpenSSL");
  return digest;
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
