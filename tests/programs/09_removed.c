#include "check.h"
int main(void) {
  expect_file("data", "before");
  CHECK(unlink("data") == 0);
  FAILS(open("data", O_RDONLY), ENOENT);
  return 0;
}
