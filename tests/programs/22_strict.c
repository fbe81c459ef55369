#include "filter.h"
int main(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
    if (read(ends[0], &byte, 1) == 1) syscall(SYS_exit, 9); /* read and write are allowed */
    for (;;) {}
  }
  tell(ends[1]);
  CHECK(exit_code_of(child) == 9);
  const pid_t second = fork();
  if (second == 0) {
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
    syscall(SYS_openat, AT_FDCWD, "x", O_RDONLY);
    syscall(SYS_exit, 1);
  }
  int status = 0;
  CHECK(waitpid(second, &status, 0) == second);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return 0;
}
