// fuzz-deps: fptrace::sbom
#include <cstdlib>

#include "fingerprint/sbom/control_file.h"
#include "fingerprint/sbom/licence.h"
#include "fingerprint/sbom/package_facts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::parse_package_facts(text);
  std::map<std::string, std::string> references;
  (void)fptrace::spdx_expression(text, "a", references);
  // So that the fuzzer need not find the header by itself.
  const auto l = fptrace::parse_copyright_file(
      "Format: copyright-format/1.0\n\nFiles: *\nLicense: " + std::string(text), "a");
  if (l && l->expression.empty()) std::abort();
  return 0;
}
