#include "check.h"
static void stop_and_go(int signo) {
  int status = 0, ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    CHECK(setpgid(0, 0) == 0);
    raise(signo);
    hear(ends[0]); /* or its end could hide that it went on */
    _exit(6);
  }
  CHECK(waitpid(child, &status, WUNTRACED) == child);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == signo);
  CHECK(waitpid(child, &status, WUNTRACED | WCONTINUED | WNOHANG) == 0);
  CHECK(kill(child, SIGCONT) == 0);
  CHECK(waitpid(child, &status, WCONTINUED) == child);
  CHECK(WIFCONTINUED(status));
  tell(ends[1]);
  CHECK(exit_code_of(child) == 6);
}
int main(void) {
  stop_and_go(SIGSTOP);
  stop_and_go(SIGTSTP);
  stop_and_go(SIGTTIN);
  return 0;
}
