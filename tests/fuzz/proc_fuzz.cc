// fuzz-deps: fptrace::proc
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/proc/fdinfo.h"
#include "common/proc/maps.h"
#include "common/proc/mountinfo.h"
#include "common/proc/stat.h"
#include "common/proc/status.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::parse_maps(text);
  (void)fptrace::parse_stat(text);
  (void)fptrace::parse_status(text);
  (void)fptrace::parse_mountinfo(text);
  (void)fptrace::parse_fdinfo(text);
  return 0;
}
