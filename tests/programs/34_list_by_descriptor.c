/* Listed by a child, through a descriptor, with the old call. */
#include "check.h"
int main(void) {
  char buffer[4096];
  const int dir = open("sub", O_RDONLY | O_DIRECTORY);
  CHECK(dir >= 0);
  const pid_t child = fork();
  if (child == 0) _exit(syscall(SYS_getdents, dir, buffer, sizeof buffer) > 0 ? 0 : 1);
  CHECK(exit_code_of(child) == 0);
  return 0;
}
