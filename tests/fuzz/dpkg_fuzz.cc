// fuzz-deps: fptrace::packages
#include "fingerprint/packages/dpkg.h"
#include "fingerprint/packages/package_note.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::parse_dpkg_status(text);
  (void)fptrace::parse_dpkg_diversions(text);
  (void)fptrace::parse_package_note(text);
  return 0;
}
