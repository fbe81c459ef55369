#include "check.h"
/* By syscall(2): the functions of the C library want two buffers. */
int main(void) {
  char link[64] = "link";
  CHECK(syscall(SYS_readlink, link, link, sizeof link) == 6 && memcmp(link, "target", 6) == 0);
  union {
    char path[sizeof(struct stat)];
    struct stat answer;
  } plain = {"plain"};
  CHECK(syscall(SYS_stat, plain.path, &plain.answer) == 0 && plain.answer.st_size == 1);
  return 0;
}
