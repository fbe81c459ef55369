#include "backends/emu/guest/init_bytes.h"

asm(".section .rodata\n"
    ".balign 16\n"
    "fptrace_guest_init_begin:\n"
    ".incbin \"" FPTRACE_GUEST_INIT
    "\"\n"
    "fptrace_guest_init_end:\n"
    ".previous\n");

extern "C" {
// NOLINTNEXTLINE(readability-identifier-naming): the assembler's
extern const char fptrace_guest_init_begin[], fptrace_guest_init_end[];
}

namespace fptrace::emu {

std::string_view init_bytes() {
  return {fptrace_guest_init_begin, size_t(fptrace_guest_init_end - fptrace_guest_init_begin)};
}

}  // namespace fptrace::emu
