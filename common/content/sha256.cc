#include "common/content/sha256.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <memory>
#include <vector>

namespace fptrace {

Result<Sha256> sha256_of(int fd) {
  constexpr size_t kBlock = 256 * 1024;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
    return fail(Errc::kUnsupported, "SHA-256 is not available from OpenSSL");
  thread_local std::vector<char> block(kBlock);
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(fd, block.data(), block.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read for SHA-256");
    if (n == 0) break;
    if (EVP_DigestUpdate(context.get(), block.data(), size_t(n)) != 1)
      return fail(Errc::kUnsupported, "SHA-256 failed in OpenSSL");
    at += n;
  }
  Sha256 digest;
  if (EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1)
    return fail(Errc::kUnsupported, "SHA-256 failed in OpenSSL");
  return digest;
}

}  // namespace fptrace
