/* The filter outlives exec and fork. */
#include "filter.h"
int main(void) {
  CHECK(filter_one(SYS_faccessat2, SECCOMP_RET_ERRNO | EPERM, 0) == 0);
  const pid_t child = fork();
  if (child == 0) {
    execl("./tool", "tool", "x", (char*)NULL);
    _exit(99);
  }
  CHECK(exit_code_of(child) == 0);
  FAILS(syscall(SYS_faccessat2, AT_FDCWD, "x", F_OK, AT_EACCESS), EPERM);
  return 0;
}
