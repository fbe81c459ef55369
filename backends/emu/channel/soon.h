#pragma once
#include <sched.h>

namespace fptrace::emu {

// Whether this thread has one, which it shares with the other side then: that cannot go on while
// this one looks, nor sooner when it is woken early.
inline bool has_one_processor() {
  cpu_set_t mine;
  return ::sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_COUNT(&mine) == 1;
}

// Looks for a while whether it happens; false: not yet. For who is about to sleep: to be woken
// takes some 50 us where processors are virtual. 1,000 looks take some 20 us; in between whoever
// waits for the processor goes on.
template <class Happened>
bool happens_soon(int looks, Happened happened) {
  if (happened()) return true;
  if (has_one_processor()) return false;
  constexpr int kBetweenYields = 1000;
  for (int i = 1; i <= looks; ++i) {
    __builtin_ia32_pause();
    if (happened()) return true;
    if (i % kBetweenYields == 0) ::sched_yield();
  }
  return false;
}

}  // namespace fptrace::emu
