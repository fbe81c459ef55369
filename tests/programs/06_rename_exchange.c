#include "check.h"
int main(void) {
  put("new", "made");
  CHECK(renameat2(AT_FDCWD, "new", AT_FDCWD, "old", RENAME_EXCHANGE) == 0);
  expect_file("old", "made");
  expect_file("new", "before");
  CHECK(unlink("new") == 0);
  return 0;
}
