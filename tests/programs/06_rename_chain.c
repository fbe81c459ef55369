/* Through three names and another directory, by two processes. */
#include "check.h"
int main(void) {
  CHECK(mkdir("stage", 0755) == 0);
  put("stage/a", "made");
  CHECK(rename("stage/a", "stage/b") == 0);
  const pid_t child = fork();
  if (child == 0) _exit(rename("stage/b", "out") == 0 ? 0 : 1);
  CHECK(exit_code_of(child) == 0);
  CHECK(rmdir("stage") == 0);
  expect_file("out", "made");
  return 0;
}
