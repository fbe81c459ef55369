/* The program reads itself; a child that runs something else reads its parent. */
#include "check.h"
int main(void) {
  char name[64];
  const char* tool = beside("helper_read");
  snprintf(name, sizeof name, "/proc/%d/exe", (int)getpid());
  const pid_t child = fork();
  if (child == 0) {
    execl(tool, "helper_read", name, "/proc/self/exe", (char*)NULL);
    _exit(99);
  }
  CHECK(exit_code_of(child) == 0);
  return 0;
}
