/* The name leads to another file by the time of the exec: the descriptor decides. */
#include "check.h"
int main(void) {
  char* argv[] = {(char*)"tool", NULL};
  const int fd = open("tool", O_PATH | O_CLOEXEC);
  CHECK(fd >= 0);
  CHECK(rename("other", "tool") == 0);
  syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
  return 1;
}
