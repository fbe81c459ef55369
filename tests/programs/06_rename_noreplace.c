#include "check.h"
int main(void) {
  put("out.tmp", "made");
  FAILS(renameat2(AT_FDCWD, "out.tmp", AT_FDCWD, "there", RENAME_NOREPLACE), EEXIST);
  CHECK(renameat2(AT_FDCWD, "out.tmp", AT_FDCWD, "out", RENAME_NOREPLACE) == 0);
  expect_file("out", "made");
  return 0;
}
