#include "check.h"
int main(void) {
  const char* tool = beside("helper_read");
  const pid_t child = vfork();
  if (child == 0) {
    execl(tool, "helper_read", "x", (char*)NULL);
    _exit(99);
  }
  CHECK(exit_code_of(child) == 0);
  const pid_t second = vfork();
  if (second == 0) _exit(3);
  CHECK(exit_code_of(second) == 3);
  return 0;
}
