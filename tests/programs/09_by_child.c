#include "check.h"
int main(void) {
  expect_file("data", "before");
  const int fd = open("data", O_RDWR);
  CHECK(fd >= 0);
  const pid_t child = fork();
  if (child == 0) _exit(write(fd, "XX", 2) == 2 ? 0 : 1);
  CHECK(exit_code_of(child) == 0);
  return 0;
}
