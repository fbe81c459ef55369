/* Six processes with the same pid, one after the other, each running something else. */
#include "clone3.h"
int main(void) {
  const char* tool = beside("helper_read");
  char name[8];
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  CHECK(exit_code_of(pid) == 0);
  for (int i = 0; i < 5; ++i) {
    struct clone_args args;
    memset(&args, 0, sizeof args);
    args.exit_signal = SIGCHLD;
    args.set_tid = (uintptr_t)&pid;
    args.set_tid_size = 1;
    snprintf(name, sizeof name, "f%d", i);
    const pid_t child = clone3(&args);
    if (child == 0) {
      if (i % 2 == 0) execl(tool, "helper_read", name, (char*)NULL);
      expect_file(name, name);
      _exit(i);
    }
    if (child < 0 && errno == EPERM) SKIP("may not choose a pid");
    if (child < 0 && errno == EEXIST) SKIP("somebody else got pid %d", (int)pid);
    CHECK(child == pid);
    CHECK(exit_code_of(child) == (i % 2 == 0 ? 0 : i));
  }
  return 0;
}
