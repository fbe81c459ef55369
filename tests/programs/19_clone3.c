#include <poll.h>

#include "clone3.h"
int main(void) {
  struct clone_args args;
  int pidfd = -1;
  memset(&args, 0, sizeof args);
  args.flags = CLONE_PIDFD | CLONE_FILES | CLONE_CLEAR_SIGHAND;
  args.pidfd = (uintptr_t)&pidfd;
  args.exit_signal = SIGCHLD;
  const pid_t child = clone3(&args);
  if (child == 0) {
    CHECK(open("x", O_RDONLY) >= 0);
    _exit(5);
  }
  CHECK(child > 0 && pidfd >= 0);
  struct pollfd wait = {pidfd, POLLIN, 0};
  CHECK(poll(&wait, 1, -1) == 1);
  CHECK(exit_code_of(child) == 5);
  return 0;
}
