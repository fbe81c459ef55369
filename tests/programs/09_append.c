#include "check.h"
int main(void) {
  expect_file("data", "before");
  const int fd = open("data", O_WRONLY | O_APPEND);
  CHECK(fd >= 0 && write(fd, " and after", 10) == 10);
  return 0;
}
