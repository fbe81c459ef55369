/* build: -static  */
#include "check.h"
int main(void) {
  struct stat st;
  expect_file("link", "x");
  CHECK(stat("asked", &st) == 0);
  FAILS(open("none", O_RDONLY), ENOENT);
  put("out", "made");
  return 0;
}
