/* Inside, pids are others; what is recorded is not. */
#include "check.h"
int main(void) {
  const pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0L);
  if (child < 0) SKIP("may not make a pid namespace: %s", strerror(errno));
  if (child == 0) {
    CHECK(getpid() == 1);
    const pid_t second = fork();
    if (second == 0) {
      CHECK(getpid() == 2);
      expect_file("x", "x");
      _exit(2);
    }
    CHECK(second == 2 && exit_code_of(second) == 2);
    _exit(1);
  }
  CHECK(exit_code_of(child) == 1);
  return 0;
}
