/* The tracer has no privilege: the kernel does not honour the bit, and fptrace says so once. */
#include "check.h"
int main(void) {
  for (int i = 0; i < 2; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      execl("./suid", "suid", (char*)NULL);
      _exit(1);
    }
    CHECK(exit_code_of(child) == 0);
  }
  return 0;
}
