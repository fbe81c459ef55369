// fuzz-deps: fptrace::packages
#include <cstdlib>

#include "fingerprint/packages/apk.h"
#include "fingerprint/packages/conda.h"
#include "fingerprint/packages/cran.h"
#include "fingerprint/packages/gem.h"
#include "fingerprint/packages/npm.h"
#include "fingerprint/packages/python.h"
#include "fingerprint/packages/root_dir.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::parse_apk_installed(text);
  (void)fptrace::parse_conda_meta(text);
  (void)fptrace::parse_gemspec(text);
  (void)fptrace::parse_package_json(text);
  (void)fptrace::parse_python_metadata(text);
  (void)fptrace::parse_python_record(text);
  (void)fptrace::parse_r_description(text);
  const std::string path = fptrace::normalized("/a/b", text);
  if (path[0] != '/' || path.find("/../") != path.npos || path.ends_with("/..")) std::abort();
  if (fptrace::normalized("/", path) != path) std::abort();
  return 0;
}
