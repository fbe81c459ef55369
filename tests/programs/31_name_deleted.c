/* A file that is really called so. */
#include "check.h"
int main(void) {
  expect_file("x (deleted)", "x");
  const int fd = open("y (deleted)", O_RDONLY);
  CHECK(fd >= 0 && unlink("y (deleted)") == 0);
  expect_fd(fd, "y");
  return 0;
}
