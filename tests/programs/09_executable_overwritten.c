#include "check.h"
int main(void) {
  const pid_t child = fork();
  if (child == 0) {
    execl("./tool", "tool", (char*)NULL);
    _exit(1);
  }
  CHECK(exit_code_of(child) == 0);
  put("tool", "no program any more");
  return 0;
}
