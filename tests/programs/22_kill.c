#include "filter.h"
int main(void) {
  const pid_t child = fork();
  if (child == 0) {
    CHECK(filter_one(SYS_openat, SECCOMP_RET_KILL_PROCESS, 0) == 0);
    open("x", O_RDONLY);
    _exit(1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
  return 0;
}
