// fuzz-deps: fptrace::elf
#include "common/elf/elf_identity.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)fptrace::parse_elf({reinterpret_cast<const char*>(data), size});
  return 0;
}
