#include "openat2.h"
int main(void) {
  const int dir = open("sub", O_PATH | O_DIRECTORY);
  expect_fd(openat2(dir, "/x", O_RDONLY, RESOLVE_IN_ROOT), "inside");
  expect_fd(openat2(dir, "../../../y", O_RDONLY, RESOLVE_IN_ROOT), "also inside");
  expect_fd(openat2(dir, "absolute", O_RDONLY, RESOLVE_IN_ROOT), "linked");
  FAILS(openat2(dir, "/etc/passwd", O_RDONLY, RESOLVE_IN_ROOT), ENOENT);
  return 0;
}
