// fuzz-deps: fptrace::closure
#include <string>

#include "fingerprint/closure/dlopen_note.h"
#include "fingerprint/closure/script_line.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::parse_dlopen_note(text);
  (void)fptrace::env_program(text);
  return 0;
}
