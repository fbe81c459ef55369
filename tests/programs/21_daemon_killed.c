/* Untraced it would stay for ever; so it ends by itself where nobody traces it. */
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
    tell(ends[1]);
    while (traced()) pause();
    _exit(0);
  }
  hear(ends[0]);
  CHECK(exit_code_of(child) == 0);
  return 5;
}
