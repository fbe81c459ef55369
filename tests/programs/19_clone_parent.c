/* The child's child is the grandparent's: it waits for it. */
#include "check.h"
int main(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const pid_t sibling = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0L);
    if (sibling == 0) {
      CHECK(open("x", O_RDONLY) >= 0);
      _exit(6);
    }
    CHECK(sibling > 0);
    CHECK(write(ends[1], &sibling, sizeof sibling) == (ssize_t)sizeof sibling);
    _exit(0);
  }
  pid_t sibling = -1;
  CHECK(read(ends[0], &sibling, sizeof sibling) == (ssize_t)sizeof sibling);
  CHECK(exit_code_of(child) == 0);
  CHECK(exit_code_of(sibling) == 6);
  return 0;
}
