#include "check.h"
int main(void) {
  expect_file("data", "before");
  const int fd = open("data", O_WRONLY);
  CHECK(fd >= 0 && pwrite(fd, "XX", 2, 1) == 2);
  return 0;
}
