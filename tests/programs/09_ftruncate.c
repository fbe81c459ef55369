#include "check.h"
int main(void) {
  expect_file("data", "before");
  const int fd = open("data", O_RDWR);
  CHECK(fd >= 0 && ftruncate(fd, 2) == 0);
  return 0;
}
