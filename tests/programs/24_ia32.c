/* build: -m32 needs: multilib */
#include "check.h"
int main(void) {
  struct stat st;
  const int dir = open("sub", O_RDONLY | O_DIRECTORY);
  expect_fd(openat(dir, "x", O_RDONLY), "inside");
  CHECK(stat("stat", &st) == 0);
  CHECK(syscall(SYS_open, "old_open", O_RDONLY) >= 0);
  FAILS(open("none", O_RDONLY), ENOENT);
  put("out.tmp", "made");
  CHECK(rename("out.tmp", "out") == 0);
  const pid_t child = fork();
  if (child == 0) {
    execl("./tool64", "tool64", "read", (char*)NULL);
    _exit(99);
  }
  CHECK(exit_code_of(child) == 0);
  return 0;
}
