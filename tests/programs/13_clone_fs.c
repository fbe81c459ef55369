/* Two processes share one working directory; the child moves it for both. */
#include "check.h"
int main(void) {
  const pid_t child = (pid_t)syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, 0L);
  if (child == 0) _exit(chdir("sub") == 0 ? 0 : 1);
  CHECK(exit_code_of(child) == 0);
  expect_file("x", "inside");
  return 0;
}
