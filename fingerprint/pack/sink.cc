#include "fingerprint/pack/sink.h"

#include <unistd.h>

namespace fptrace::pack {

Result<void> FdSink::write(std::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write " + name_);
    bytes.remove_prefix(size_t(n));
  }
  return {};
}

Result<void> HashSink::write(std::string_view bytes) {
  if (!std::exchange(started_, true)) digest_.start();
  digest_.add(bytes);
  return next_.write(bytes);
}

Result<void> HashSink::finish() {
  if (auto ok = write({}); !ok) return ok;
  auto digest = digest_.finish();
  if (!digest) return fail(digest.error());
  sha256_ = *digest;
  return next_.finish();
}

}  // namespace fptrace::pack
