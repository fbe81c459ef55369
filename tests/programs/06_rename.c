#include "check.h"
int main(void) {
  put("out.tmp", "made");
  CHECK(rename("out.tmp", "out") == 0);
  expect_file("out", "made");
  FAILS(access("out.tmp", F_OK), ENOENT);
  return 0;
}
