#include "check.h"
int main(void) {
  char buffer[4096];
  CHECK(mkdir("made", 0755) == 0 && chdir("made") == 0 && rmdir("../made") == 0);
  FAILS(open("x", O_RDONLY), ENOENT);
  FAILS(open("y", O_WRONLY | O_CREAT, 0644), ENOENT);
  CHECK(syscall(SYS_getcwd, buffer, sizeof buffer) == -1 && errno == ENOENT);
  const char* back = getenv("W");
  CHECK(chdir(back) == 0);
  expect_file("x", "outside");
  return 0;
}
