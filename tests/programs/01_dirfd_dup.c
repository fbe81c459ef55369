/* The descriptor that is used is a copy of a copy; its number was another file's before. */
#include "check.h"
int main(void) {
  CHECK(open("other", O_RDONLY | O_DIRECTORY) == 3);
  const int dir = open("sub", O_RDONLY | O_DIRECTORY);
  const int copy = fcntl(dir, F_DUPFD_CLOEXEC, 10);
  CHECK(copy >= 10);
  CHECK(dup2(copy, 3) == 3);
  CHECK(close(dir) == 0 && close(copy) == 0);
  expect_fd(openat(3, "x", O_RDONLY), "inside");
  return 0;
}
