/* x32 numbers have bit 30 set. Most kernels refuse them: then nothing was opened. */
#include "check.h"
int main(void) {
  const long fd = syscall(0x40000000 | SYS_openat, AT_FDCWD, "x", O_RDONLY);
  if (fd >= 0) SKIP("this kernel has x32 (see 24_x32_works)");
  CHECK(errno == ENOSYS);
  FAILS(syscall(0x40000000 | SYS_execve, "x", NULL, NULL), ENOSYS);
  FAILS(syscall(0x40000000 | 520, "x", NULL, NULL), ENOSYS);
  FAILS(syscall(100000, "x"), ENOSYS);
  expect_file("y", "y");
  return 0;
}
