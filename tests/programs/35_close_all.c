/* Closes everything it did not open, as daemons do; then opens files. */
#include "check.h"
int main(void) {
  for (int fd = 3; fd < 1024; ++fd) close(fd);
  closefrom(3);
  CHECK(syscall(SYS_close_range, 3, ~0u, 0) == 0 || errno == ENOSYS);
  CHECK(open("x", O_RDONLY) == 3);
  for (int fd = 3; fd < 200; ++fd) CHECK(dup2(0, fd) == fd);
  expect_file("y", "y");
  const pid_t child = fork();
  if (child == 0) {
    closefrom(0);
    CHECK(open("z", O_RDONLY) == 0);
    _exit(0);
  }
  CHECK(exit_code_of(child) == 0);
  return 0;
}
