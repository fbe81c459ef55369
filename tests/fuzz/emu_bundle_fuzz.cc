// fuzz-deps: fptrace::emu_recording
#include <fcntl.h>

#include "backends/emu/recording/bundle.h"
#include "backends/emu/recording/sparse_file.h"
#include "common/base/unique_fd.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::emu::parse_bundle(text, size);
  if (const auto header = fptrace::emu::parse_bundle_header(text)) {
    const auto again = fptrace::emu::parse_bundle_header(to_json(*header));
    if (!again || *again != *header) __builtin_trap();
  }
  const fptrace::UniqueFd out(::open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  size_t at = 0;
  (void)fptrace::emu::unpack_sparse(
      [&](char* to, size_t most) {
        const size_t n = text.substr(at).copy(to, most);
        at += n;
        return fptrace::Result<size_t>(n);
      },
      out.get(), 1 << 20);
  return 0;
}
