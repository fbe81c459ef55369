/* A path of 5,000 bytes cannot be passed to the kernel, but reached step by step. */
#include "check.h"
int main(void) {
  char name[201];
  int dir = AT_FDCWD;
  memset(name, 'd', 200);
  name[200] = 0;
  for (int i = 0; i < 25; ++i) {
    const int next = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK(next >= 0);
    if (dir >= 0) CHECK(close(dir) == 0);
    dir = next;
  }
  expect_fd(openat(dir, "x", O_RDONLY), "deep");
  CHECK(fchdir(dir) == 0);
  expect_file("x", "deep");
  FAILS(open("none", O_RDONLY), ENOENT);
  const int out = open("out", O_WRONLY | O_CREAT | O_EXCL, 0644);
  CHECK(out >= 0 && write(out, "made", 4) == 4 && close(out) == 0);
  return 0;
}
