#include "check.h"
int main(void) {
  char magic[64];
  const int gone = open(".", O_TMPFILE | O_RDWR, 0600);
  if (gone < 0 && errno == EOPNOTSUPP) SKIP("no O_TMPFILE on this file system");
  CHECK(write(gone, "gone", 4) == 4 && close(gone) == 0);
  const int fd = open(".", O_TMPFILE | O_RDWR, 0600);
  CHECK(fd >= 0 && write(fd, "made", 4) == 4);
  snprintf(magic, sizeof magic, "/proc/self/fd/%d", fd);
  CHECK(linkat(AT_FDCWD, magic, AT_FDCWD, "out", AT_SYMLINK_FOLLOW) == 0);
  expect_file("out", "made");
  return 0;
}
