#include "filter.h"
int main(void) {
  expect_file("before", "b");
  CHECK(filter_one(SYS_openat, SECCOMP_RET_ERRNO | EACCES, 0) == 0);
  FAILS(open("denied", O_RDONLY), EACCES);
  expect_fd((int)syscall(SYS_open, "fallback", O_RDONLY), "f");
  return 0;
}
