#include "fingerprint/sbom/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "common/base/unique_fd.h"

namespace fptrace {
namespace {

class Digest {
 public:
  explicit Digest(const EVP_MD* algorithm) : context_(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free) {
    ok_ = context_ != nullptr && ::EVP_DigestInit_ex(context_.get(), algorithm, nullptr) == 1;
  }
  void add(std::string_view bytes) {
    ok_ = ok_ && ::EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  template <size_t N>
  std::optional<std::array<uint8_t, N>> finish() {
    std::array<uint8_t, N> out{};
    unsigned size = 0;
    if (!ok_ || ::EVP_DigestFinal_ex(context_.get(), out.data(), &size) != 1) return std::nullopt;
    return size == N ? std::optional(out) : std::nullopt;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context_;
  bool ok_;
};

UniqueFd open_same_size(const std::string& root, const ManifestFile& file) {
  const std::string& path = file.source.starts_with('/') ? file.source : file.path;
  if (!path.starts_with('/')) return {};
  // O_NONBLOCK: should a pipe stand there by now, do not wait for its writer.
  UniqueFd fd(::open((root + path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat st;
  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  if (file.size && uint64_t(st.st_size) != *file.size) return {};
  return fd;
}

}  // namespace

Sha1 sha1(std::string_view bytes) {
  Digest digest(::EVP_sha1());
  digest.add(bytes);
  return digest.finish<20>().value_or(Sha1{});
}

std::string to_hex(const Sha1& hash) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const uint8_t b : hash) (out += kHex[b >> 4]) += kHex[b & 15];
  return out;
}

std::optional<Sha1> sha1_of_same_file(const std::string& root, const ManifestFile& file) {
  if (!file.sha256) return std::nullopt;
  const UniqueFd fd = open_same_size(root, file);
  if (!fd) return std::nullopt;
  Digest sha1(::EVP_sha1()), sha256(::EVP_sha256());
  std::vector<char> buffer(256u << 10);
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    const std::string_view bytes(buffer.data(), size_t(n));
    sha1.add(bytes);
    sha256.add(bytes);
  }
  if (sha256.finish<32>() != file.sha256) return std::nullopt;
  return sha1.finish<20>();
}

std::string content_uuid(std::string_view content) {
  // The namespace for URLs, RFC 9562 section 6.6: our names are what a URN is made of.
  constexpr std::string_view kUrlNamespace(
      "\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8", 16);
  Sha1 hash = sha1(std::string(kUrlNamespace) + std::string(content));
  hash[6] = uint8_t((hash[6] & 0x0f) | 0x50);
  hash[8] = uint8_t((hash[8] & 0x3f) | 0x80);
  std::string hex = to_hex(hash).substr(0, 32);
  for (const size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, "-");
  return hex;
}

}  // namespace fptrace
