/* Made by one process, read by another, deleted by a third. */
#include "check.h"
int main(void) {
  pid_t child = fork();
  if (child == 0) {
    put("x", "temp");
    _exit(0);
  }
  CHECK(exit_code_of(child) == 0);
  child = fork();
  if (child == 0) {
    expect_file("x", "temp");
    _exit(0);
  }
  CHECK(exit_code_of(child) == 0);
  child = fork();
  if (child == 0) _exit(unlink("x") == 0 ? 0 : 1);
  CHECK(exit_code_of(child) == 0);
  FAILS(access("x", F_OK), ENOENT);
  return 0;
}
