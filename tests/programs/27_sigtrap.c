/* SIGTRAP raised, sent, and by int3: each is delivered, with its siginfo. */
#include "check.h"
static volatile sig_atomic_t count = 0;
static volatile int codes[32];
static void on_trap(int signo, siginfo_t* info, void* context) {
  (void)signo;
  (void)context;
  if (count < 32) codes[count++] = info->si_code;
}
int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
  raise(SIGTRAP);
  CHECK(count == 1 && codes[0] == SI_TKILL);
  CHECK(kill(getpid(), SIGTRAP) == 0);
  CHECK(count == 2 && codes[1] == SI_USER);
  __asm__ volatile("int3");
  CHECK(count == 3 && codes[2] == SI_KERNEL);
  const union sigval value = {.sival_int = 12345};
  CHECK(sigqueue(getpid(), SIGTRAP, value) == 0);
  CHECK(count == 4 && codes[3] == SI_QUEUE);
  /* One instruction in single step: the trap flag of its own. */
  __asm__ volatile(
      "subq $256, %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tpushfq\n\t"
      "andq $~0x100, (%%rsp)\n\tpopfq\n\taddq $256, %%rsp" ::
          : "memory", "cc");
  CHECK(count > 4 && codes[4] == TRAP_TRACE);
  return 0;
}
