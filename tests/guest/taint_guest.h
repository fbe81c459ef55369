// What a program in a guest says to whoever follows labels: see backends/emu/guest/marker.h.
// Outside of such a guest it does nothing.
#pragma once
#include <stdint.h>
#include <string.h>

enum { kTaintLeaf = 0x46505452, kTaintLabel = 16, kTaintQuery = 17, kTaintLabelRegister = 18 };

static inline void taint_say(uint32_t what, uint64_t rbx, uint64_t rdx, uint64_t rsi,
                             uint64_t rdi) {
  uint64_t rax = kTaintLeaf, rcx = what;
  __asm__ volatile("cpuid"
                   : "+a"(rax), "+c"(rcx), "+b"(rbx), "+d"(rdx)
                   : "S"(rsi), "D"(rdi)
                   : "memory");
}

// Byte i gets label first + i * step. The memory must have been touched.
static inline void taint_label(const void* at, size_t size, uint32_t first, uint32_t step) {
  taint_say(kTaintLabel, (uint64_t)at, size, first, step);
}

// That the labels are those, as taint_check.cc writes them. In the way of taint_wire.h only address
// and size count.
static inline void taint_expect(const char* name, const void* at, size_t size, const char* labels) {
  char line[512];
  size_t n = strlen(name), m = strlen(labels);
  memcpy(line, name, n);
  line[n] = ':';
  memcpy(line + n + 1, labels, m + 1);
  taint_say(kTaintQuery, (uint64_t)at, size, (uint64_t)line, n + 1 + m);
}
