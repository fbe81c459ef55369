// fuzz-deps: fptrace::fingerprint
#include <cstdlib>

#include "fingerprint/manifest_file.h"

// What is read must be written and read again as the same value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::manifest_from_pb(text);
  const auto m = fptrace::manifest_from_json(text);
  if (!m) return 0;
  const auto again = fptrace::manifest_from_pb(fptrace::to_pb(*m));
  if (!again || *again != *m) std::abort();
  return 0;
}
