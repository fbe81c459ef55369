/* Shares memory, is no thread, and tells nobody when it ends (exit signal 0). */
#include "check.h"
static char stack[65536] __attribute__((aligned(16)));
static int shared = 0;
static int in_child(void* unused) {
  (void)unused;
  shared = open("x", O_RDONLY);
  return 8;
}
int main(void) {
  const pid_t child =
      clone(in_child, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES, NULL);
  CHECK(child > 0);
  int status = 0;
  CHECK(waitpid(child, &status, __WCLONE) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 8);
  expect_fd(shared, "x");
  return 0;
}
