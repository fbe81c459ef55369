#include "check.h"
int main(void) {
  char name[] = "tmpXXXXXX";
  const int fd = mkstemp(name);
  CHECK(fd >= 0 && write(fd, "temp", 4) == 4 && lseek(fd, 0, SEEK_SET) == 0);
  expect_fd(fd, "temp");
  expect_file(name, "temp");
  CHECK(unlink(name) == 0);
  char dir[] = "dirXXXXXX", inside[64];
  CHECK(mkdtemp(dir) != NULL);
  snprintf(inside, sizeof inside, "%s/x", dir);
  put(inside, "temp");
  expect_file(inside, "temp");
  CHECK(unlink(inside) == 0 && rmdir(dir) == 0);
  return 0;
}
