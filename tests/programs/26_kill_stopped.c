#include "check.h"
int main(void) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    _exit(1);
  }
  CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
  CHECK(kill(child, SIGKILL) == 0);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return 0;
}
