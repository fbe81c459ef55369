/* A static program and a script run inside; the interpreter's name is the jail's. */
#include "check.h"
int main(void) {
  CHECK(chroot("jail") == 0 && chdir("/") == 0);
  const pid_t child = fork();
  if (child == 0) {
    execl("/script", "script", (char*)NULL);
    _exit(1);
  }
  CHECK(exit_code_of(child) == 0);
  return 0;
}
