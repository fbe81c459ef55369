// fuzz-deps: fptrace::packages
#include <string>

#include "fingerprint/packages/rpm_blobs.h"
#include "fingerprint/packages/rpm_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto sink = [](std::string_view blob) { (void)fptrace::parse_rpm_header(blob); };
  sink(text);
  (void)fptrace::for_each_ndb_blob(text, sink);
  (void)fptrace::for_each_sqlite_blob(std::string(text), {}, sink);
  return 0;
}
