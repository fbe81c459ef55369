/* The descriptor and the directory of another process. */
#include "check.h"
int main(void) {
  int up[2], down[2];
  char name[128];
  CHECK(pipe(up) == 0 && pipe(down) == 0);
  const pid_t child = fork();
  if (child == 0) {
    CHECK(chdir("sub") == 0);
    CHECK(dup2(open("x", O_PATH), 50) == 50);
    tell(up[1]);
    hear(down[0]);
    _exit(0);
  }
  hear(up[0]);
  snprintf(name, sizeof name, "/proc/%d/fd/50", (int)child);
  expect_file(name, "x");
  snprintf(name, sizeof name, "/proc/%d/cwd/y", (int)child);
  expect_file(name, "y");
  tell(down[1]);
  CHECK(exit_code_of(child) == 0);
  return 0;
}
