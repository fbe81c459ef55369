#include "check.h"
int main(void) {
  FAILS(open("cache", O_RDONLY), ENOENT);
  put("cache", "made");
  expect_file("cache", "made");
  FAILS(open("cache", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
  FAILS(open("old", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
  FAILS(mkdir("old", 0755), EEXIST);
  return 0;
}
