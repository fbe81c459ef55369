/* build: -static -nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie */
/* Nothing but system calls. */
#include <asm/unistd.h>
static long call(long nr, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}
void _start(void) {
  char byte = 0;
  const long fd = call(__NR_openat, -100, (long)"x", 0, 0);
  const long missing = call(__NR_open, (long)"none", 0, 0, 0);
  const long bad = call(__NR_openat, -100, 8, 0, 0); /* an address that is not mapped: EFAULT */
  call(__NR_read, fd, (long)&byte, 1, 0);
  call(__NR_exit_group, byte == 'x' && missing == -2 && bad == -14 ? 0 : 1, 0, 0, 0);
  for (;;) {}
}
