#pragma once
#include <sched.h>

namespace fptrace::emu {

// Looks for a while whether it happens; false: not yet. For who is about to sleep: to be woken
// takes some 50 us where processors are virtual.
template <class Happened>
bool happens_soon(Happened happened) {
  if (happened()) return true;
  // With one processor the other side cannot go on meanwhile.
  cpu_set_t mine;
  if (::sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_COUNT(&mine) == 1) return false;
  constexpr int kLooks = 2000;
  for (int i = 0; i < kLooks; ++i) {
    __builtin_ia32_pause();
    if (happened()) return true;
  }
  return false;
}

}  // namespace fptrace::emu
