#include "check.h"
int main(void) {
  const int fd = open("out", O_RDWR | O_CREAT, 0644);
  CHECK(fd >= 0 && write(fd, "made", 4) == 4 && lseek(fd, 0, SEEK_SET) == 0);
  expect_fd(fd, "made");
  return 0;
}
