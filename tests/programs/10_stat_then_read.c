#include "check.h"
int main(void) {
  struct stat st;
  CHECK(stat("x", &st) == 0 && access("x", R_OK) == 0);
  expect_file("x", "content");
  const int fd = open("pathonly", O_PATH);
  CHECK(fd >= 0 && fstat(fd, &st) == 0);
  return 0;
}
