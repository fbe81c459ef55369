#include "openat2.h"
int main(void) {
  expect_fd(openat2(AT_FDCWD, "x", O_RDONLY, RESOLVE_NO_SYMLINKS), "x");
  FAILS(openat2(AT_FDCWD, "link", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
  return 0;
}
