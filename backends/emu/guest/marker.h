#pragma once
#include <cstdint>

#include "backends/emu/guest/protocol.h"

namespace fptrace::emu {

inline void mark(uint32_t what, uint32_t value) {
  uint32_t a = kMarker, b = value, c = what, d = 0;
  asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d) : : "memory");
}

}  // namespace fptrace::emu
