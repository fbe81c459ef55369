// fuzz-deps: fptrace::syscall
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/syscall/exec_image.h"
#include "common/syscall/initial_stack.h"
#include "common/syscall/socket_address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto interpreter = fptrace::script_interpreter(bytes);
  if (interpreter && (interpreter->empty() || interpreter->size() > 254)) std::abort();
  if (const auto headers = fptrace::elf_program_headers(bytes))
    if (headers->table.size == 0 || headers->table.size > 65536) std::abort();
  for (const bool is_64 : {false, true})
    if (const auto span = fptrace::elf_interpreter(bytes, is_64))
      if (span->size < 2 || span->size > 4096) std::abort();
  (void)fptrace::parse_socket_address(bytes);
  constexpr uint64_t kAddress = 0x11000000;  // so that a few bytes make a pointer into it
  for (const bool narrow : {false, true})
    if (const auto strings = fptrace::parse_initial_stack(bytes, kAddress, narrow))
      if (strings->argv.size() + strings->env.size() > size) std::abort();
  return 0;
}
