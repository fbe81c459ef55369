#include "check.h"
int main(void) {
  const int fd = open("input", O_PATH);
  char magic[64];
  snprintf(magic, sizeof magic, "/proc/self/fd/%d", fd);
  CHECK(linkat(AT_FDCWD, magic, AT_FDCWD, "name", AT_SYMLINK_FOLLOW) == 0);
  CHECK(unlink("input") == 0);
  expect_file("name", "original");
  CHECK(unlink("name") == 0);
  return 0;
}
