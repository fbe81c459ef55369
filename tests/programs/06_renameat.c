#include "check.h"
int main(void) {
  const int dir = open(".", O_PATH | O_DIRECTORY);
  put("out.tmp", "made");
  CHECK(renameat(AT_FDCWD, "out.tmp", dir, "out") == 0);
  expect_file("out", "made");
  FAILS(access("out.tmp", F_OK), ENOENT);
  return 0;
}
