#include "check.h"
int main(void) {
  const int dir = open("sub", O_PATH | O_DIRECTORY);
  CHECK(rename("sub", "moved") == 0);
  expect_fd(openat(dir, "x", O_RDONLY), "original");
  expect_file("moved/y", "too");
  return 0;
}
