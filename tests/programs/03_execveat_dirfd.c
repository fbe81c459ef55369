#include "check.h"
int main(void) {
  char* argv[] = {(char*)"tool", NULL};
  const int dir = open("bin", O_PATH | O_DIRECTORY | O_CLOEXEC);
  CHECK(dir >= 0);
  FAILS(syscall(SYS_execveat, dir, "none", argv, environ, 0), ENOENT);
  FAILS(syscall(SYS_execveat, dir, "link", argv, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
  syscall(SYS_execveat, dir, "tool", argv, environ, 0);
  return 1;
}
