#pragma once
#include <sched.h>

namespace fptrace::emu {

// Whether this process has one processor only: then whoever it waits for cannot go on meanwhile.
inline const bool has_one_processor = [] {
  cpu_set_t mine;
  return ::sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_COUNT(&mine) == 1;
}();

// Looks for a while whether it happens; false: not yet. For who is about to sleep: to be woken
// takes some 50 us where processors are virtual.
template <class Happened>
bool happens_soon(Happened happened) {
  constexpr int kLooks = 2000;
  for (int i = 0; i < (has_one_processor ? 1 : kLooks); ++i) {
    if (happened()) return true;
    __builtin_ia32_pause();
  }
  return false;
}

}  // namespace fptrace::emu
