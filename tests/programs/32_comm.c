/* /proc/PID/stat of these must not confuse anyone who parses it. */
#include <sys/prctl.h>

#include "check.h"
int main(void) {
  CHECK(prctl(PR_SET_NAME, "a) R 1 (b\nc") == 0);
  const pid_t child = fork();
  if (child == 0) {
    execl("./x) S 1 2 (y", "x", "x", (char*)NULL);
    _exit(99);
  }
  CHECK(exit_code_of(child) == 0);
  return 0;
}
