/* A program may ask that its child is not traced; that must not make the child invisible, nor
   break it. */
#include "clone3.h"
static void in_child(const char* name) {
  const int fd = open(name, O_RDONLY);
  CHECK(fd >= 0 && close(fd) == 0);
  const pid_t grandchild = fork();
  if (grandchild == 0) _exit(4);
  CHECK(exit_code_of(grandchild) == 4);
  _exit(7);
}
int main(void) {
  const pid_t child = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, NULL, NULL, NULL, 0L);
  if (child == 0) in_child("x");
  CHECK(exit_code_of(child) == 7);
  struct clone_args args;
  memset(&args, 0, sizeof args);
  args.flags = CLONE_UNTRACED;
  args.exit_signal = SIGCHLD;
  const pid_t second = clone3(&args);
  if (second == 0) in_child("y");
  CHECK(exit_code_of(second) == 7);
  CHECK(args.flags == CLONE_UNTRACED);
  return 0;
}
