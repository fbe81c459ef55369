/* 32-bit system calls by int $0x80 from 64-bit code: other numbers, other argument registers. */
#include <sys/mman.h>

#include "check.h"
static long int80(long nr, uint32_t a, uint32_t b, uint32_t c) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(nr), "b"((long)a), "c"((long)b), "d"((long)c)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}
int main(void) {
  char* low =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  CHECK(low != MAP_FAILED);
  strcpy(low, "x");
  strcpy(low + 100, "none");
  strcpy(low + 200, "made");
  const long fd = int80(5 /* open */, (uint32_t)(uintptr_t)low, O_RDONLY, 0);
  if (fd == -ENOSYS) SKIP("this kernel has no 32-bit system calls");
  expect_fd((int)fd, "x");
  CHECK(int80(5, (uint32_t)(uintptr_t)(low + 100), O_RDONLY, 0) == -ENOENT);
  CHECK(int80(33 /* access */, (uint32_t)(uintptr_t)low, R_OK, 0) == 0);
  CHECK(int80(8 /* creat */, (uint32_t)(uintptr_t)(low + 200), 0644, 0) >= 0);
  CHECK(getppid() > 0); /* 64-bit calls between them */
  expect_file("y", "y");
  return 0;
}
