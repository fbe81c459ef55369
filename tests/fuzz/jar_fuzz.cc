// fuzz-deps: fptrace::packages
#include "fingerprint/packages/jar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::parse_jar_manifest(text);
  (void)fptrace::parse_properties(text);
  if (const auto jar = fptrace::read_jar(text)) (void)fptrace::jar_packages(*jar, "x-1.jar");
  return 0;
}
