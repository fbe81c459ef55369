#include "openat2.h"
int main(void) {
  char magic[64];
  const int fd = open("x", O_PATH);
  snprintf(magic, sizeof magic, "/proc/self/fd/%d", fd);
  FAILS(openat2(AT_FDCWD, magic, O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
  expect_fd(openat2(AT_FDCWD, "link", O_RDONLY, RESOLVE_NO_MAGICLINKS), "y");
  return 0;
}
