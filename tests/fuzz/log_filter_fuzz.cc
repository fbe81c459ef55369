// fuzz-deps: fptrace::log
#include <cstdint>

#include "common/log/filter.h"
#include "common/log/text.h"
#include "tests/unit/common/log/sample_events.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto events = fptrace::testing::sample_events();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto filter = fptrace::Filter::parse(text)) {
    for (const auto& e : events) (void)filter->matches(e);
  }
  (void)fptrace::quote(text);
  return 0;
}
