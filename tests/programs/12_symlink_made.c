#include "check.h"
int main(void) {
  CHECK(symlink("x", "link") == 0);
  expect_file("link", "x");
  CHECK(symlink("x", "temporary") == 0);
  expect_file("temporary", "x");
  CHECK(unlink("temporary") == 0);
  return 0;
}
