#include "openat2.h"
int main(void) {
  expect_fd(openat2(AT_FDCWD, "x", O_RDONLY, RESOLVE_NO_XDEV), "x");
  FAILS(openat2(AT_FDCWD, "/proc/version", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
  return 0;
}
