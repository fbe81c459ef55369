#include <sys/ptrace.h>

#include "check.h"
int main(void) {
  int status = 0, ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    hear(ends[0]);
    expect_file("x", "x");
    _exit(0);
  }
  if (ptrace(PTRACE_SEIZE, child, NULL, NULL) == 0) {
    CHECK(ptrace(PTRACE_INTERRUPT, child, NULL, NULL) == 0);
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_DETACH, child, NULL, NULL) == 0);
  } else {
    CHECK(errno == EPERM);
  }
  tell(ends[1]);
  CHECK(exit_code_of(child) == 0);
  return 0;
}
