/* CLONE_FILES without CLONE_VM: two processes, one descriptor table. */
#include "check.h"
int main(void) {
  const pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0L);
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(open("sub", O_PATH | O_DIRECTORY) == 3);
    _exit(0);
  }
  CHECK(exit_code_of(child) == 0);
  expect_fd(openat(3, "x", O_RDONLY), "inside");
  return 0;
}
