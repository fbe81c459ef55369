/* A child asks to be traced by its parent: it is told EPERM and goes on, or it works. */
#include <sys/ptrace.h>

#include "check.h"
int main(void) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
      CHECK(errno == EPERM);
      expect_file("x", "x");
      _exit(0);
    }
    raise(SIGSTOP);
    expect_file("x", "x");
    _exit(0);
  }
  CHECK(waitpid(child, &status, 0) == child);
  while (WIFSTOPPED(status)) {
    CHECK(ptrace(PTRACE_CONT, child, NULL, NULL) == 0);
    CHECK(waitpid(child, &status, 0) == child);
  }
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return 0;
}
