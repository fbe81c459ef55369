#include "check.h"
int main(void) {
  FAILS(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
  CHECK(open("link2", O_PATH | O_NOFOLLOW) >= 0);
  FAILS(open("self/x", O_RDONLY), ELOOP);
  FAILS(open("file/", O_RDONLY), ENOTDIR);
  FAILS(open("", O_RDONLY), ENOENT);
  expect_file(".//sub/./../sub///x", "x");
  return 0;
}
