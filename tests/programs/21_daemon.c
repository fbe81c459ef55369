/* The daemon goes on when the main program is gone, and writes what only it can. */
#include "check.h"
int main(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    CHECK(setsid() > 0);
    const pid_t daemon = fork();
    if (daemon != 0) _exit(0);
    char byte;
    CHECK(close(ends[1]) == 0);
    CHECK(read(ends[0], &byte, 1) == 0); /* all writers are gone: the main program has ended */
    expect_file("config", "for the daemon");
    put("log", "written late");
    _exit(3);
  }
  CHECK(exit_code_of(child) == 0);
  return 5;
}
