/* What a handler learns about a signal is what it would learn untraced. */
#include "check.h"
static volatile int seen_value, seen_code;
static volatile pid_t seen_pid;
static void* volatile seen_address;
static void on_signal(int signo, siginfo_t* info, void* context) {
  (void)context;
  seen_code = info->si_code;
  if (signo == SIGSEGV) {
    seen_address = info->si_addr;
    _exit(seen_address == (void*)16 ? 0 : 1);
  }
  seen_value = info->si_value.sival_int;
  seen_pid = info->si_pid;
}
int main(void) {
  struct sigaction action;
  sigset_t wait;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO;
  CHECK(sigaction(SIGRTMIN + 3, &action, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
  CHECK(sigemptyset(&wait) == 0 && sigaddset(&wait, SIGRTMIN + 3) == 0);
  CHECK(sigprocmask(SIG_BLOCK, &wait, NULL) == 0);
  const pid_t parent = getpid(), child = fork();
  if (child == 0) {
    for (int i = 1; i <= 3; ++i) {
      const union sigval value = {.sival_int = i * 1000};
      CHECK(sigqueue(parent, SIGRTMIN + 3, value) == 0);
    }
    *(volatile int*)16 = 1;
    _exit(2);
  }
  CHECK(exit_code_of(child) == 0);
  siginfo_t info;
  CHECK(sigwaitinfo(&wait, &info) == SIGRTMIN + 3 && info.si_value.sival_int == 1000);
  sigset_t none;
  CHECK(sigemptyset(&none) == 0);
  FAILS(sigsuspend(&none), EINTR); /* both that are left are handled before it returns */
  CHECK(seen_code == SI_QUEUE && seen_pid == child);
  CHECK(seen_value == 2000 || seen_value == 3000);
  return 0;
}
