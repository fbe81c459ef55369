#include "openat2.h"
int main(void) {
  const int dir = open("sub", O_PATH | O_DIRECTORY);
  expect_fd(openat2(dir, "deep/../x", O_RDONLY, RESOLVE_BENEATH), "inside");
  FAILS(openat2(dir, "../x", O_RDONLY, RESOLVE_BENEATH), EXDEV);
  FAILS(openat2(dir, "none", O_RDONLY, RESOLVE_BENEATH), ENOENT);
  return 0;
}
