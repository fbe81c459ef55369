#include "check.h"
int main(void) {
  const long fd = syscall(0x40000000 | SYS_openat, AT_FDCWD, "x", O_RDONLY);
  if (fd < 0 && errno == ENOSYS) SKIP("this kernel has no x32 system calls");
  expect_fd((int)fd, "x");
  return 0;
}
