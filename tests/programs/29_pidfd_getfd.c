#include "check.h"
int main(void) {
  int up[2], down[2];
  CHECK(pipe(up) == 0 && pipe(down) == 0);
  const pid_t child = fork();
  if (child == 0) {
    CHECK(dup2(open("x", O_RDONLY), 50) == 50);
    tell(up[1]);
    hear(down[0]);
    _exit(0);
  }
  hear(up[0]);
  const int process = (int)syscall(SYS_pidfd_open, child, 0);
  if (process < 0 && errno == ENOSYS) SKIP("this kernel has no pidfd_open");
  const int fd = (int)syscall(SYS_pidfd_getfd, process, 50, 0);
  if (fd < 0 && (errno == EPERM || errno == ENOSYS)) SKIP("may not use pidfd_getfd");
  expect_fd(fd, "x");
  tell(down[1]);
  CHECK(exit_code_of(child) == 0);
  return 0;
}
