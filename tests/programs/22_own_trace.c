/* RET_TRACE without a tracer of its own is ENOSYS. */
#include "filter.h"
int main(void) {
  CHECK(filter_one(SYS_mkdirat, SECCOMP_RET_TRACE | 7, 0) == 0);
  FAILS(mkdirat(AT_FDCWD, "dir", 0755), ENOSYS);
  CHECK(filter_one(SYS_getppid, SECCOMP_RET_TRACE | 7, 0) == 0);
  FAILS(syscall(SYS_getppid), ENOSYS);
  expect_file("x", "x");
  return 0;
}
