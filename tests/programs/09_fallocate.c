#include "check.h"
int main(void) {
  expect_file("data", "before");
  const int fd = open("data", O_WRONLY);
  CHECK(fd >= 0);
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 6) != 0) {
    CHECK(errno == EOPNOTSUPP);
    SKIP("no holes on this file system");
  }
  return 0;
}
