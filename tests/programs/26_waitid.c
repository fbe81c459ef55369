/* waitid tells who and why; a stopped process really stands still; SIGKILL reaches it. */
#include "check.h"
int main(void) {
  siginfo_t info;
  int ends[2];
  CHECK(pipe2(ends, O_NONBLOCK) == 0);
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    tell(ends[1]);
    for (;;) pause();
  }
  memset(&info, 0, sizeof info);
  CHECK(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT) == 0);
  CHECK(info.si_pid == child && info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
  CHECK(waitid(P_PID, (id_t)child, &info, WSTOPPED) == 0);
  CHECK(kill(child, SIGUSR1) == 0); /* stays pending while it is stopped */
  char byte;
  FAILS(read(ends[0], &byte, 1), EAGAIN);
  CHECK(kill(child, SIGCONT) == 0);
  CHECK(waitid(P_PID, (id_t)child, &info, WCONTINUED | WEXITED | WNOWAIT) == 0);
  CHECK(info.si_code == CLD_CONTINUED || info.si_code == CLD_KILLED);
  while (waitid(P_PID, (id_t)child, &info, WCONTINUED | WEXITED) == 0 &&
         info.si_code == CLD_CONTINUED) {}
  CHECK(info.si_code == CLD_KILLED && info.si_status == SIGUSR1);
  return 0;
}
