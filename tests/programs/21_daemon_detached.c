/* Left behind by an option: it runs to its end untraced and unharmed. */
#include "check.h"
static int traced(void) {
  char line[256];
  int pid = -1;
  FILE* status = fopen("/proc/self/status", "r");
  CHECK(status != NULL);
  while (fgets(line, sizeof line, status) != NULL) sscanf(line, "TracerPid: %d", &pid);
  fclose(status);
  return pid != 0;
}
int main(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    CHECK(setsid() > 0);
    if (fork() != 0) _exit(0);
    char byte;
    CHECK(close(ends[1]) == 0 && read(ends[0], &byte, 1) == 0);
    while (traced()) sched_yield();
    expect_file("config", "for the daemon");
    const int out = open("log", O_WRONLY | O_CREAT, 0644);
    const pid_t grandchild = fork();
    if (grandchild == 0) _exit(write(out, "by a child", 10) == 10 ? 0 : 1);
    CHECK(exit_code_of(grandchild) == 0);
    puts("the daemon is done");
    fflush(stdout);
    _exit(3);
  }
  CHECK(exit_code_of(child) == 0);
  return 5;
}
