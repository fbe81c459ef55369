#include "check.h"
int main(void) {
  const int top = open(".", O_RDONLY | O_DIRECTORY), sub = open("sub", O_PATH);
  CHECK(fchdir(sub) == 0);
  expect_file("x", "inside");
  CHECK(fchdir(top) == 0);
  expect_file("x", "outside");
  CHECK(chdir("sub/deep") == 0 && chdir("..") == 0);
  expect_file("y", "also inside");
  FAILS(chdir("none"), ENOENT);
  return 0;
}
