#include "openat2.h"
int main(void) {
  const int dir = open("sub", O_PATH | O_DIRECTORY);
  expect_fd(openat2(dir, "../x", O_RDONLY, 0), "x");
  FAILS(openat2(dir, "none", O_RDONLY, 0), ENOENT);
  FAILS(openat2(dir, "../x", O_RDONLY, 1ull << 60), EINVAL);
  return 0;
}
