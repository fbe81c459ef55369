#include "check.h"
int main(void) {
  char* argv[] = {(char*)"x", NULL};
  FAILS(execve("none", argv, environ), ENOENT);
  FAILS(execve("dir", argv, environ), EACCES);
  FAILS(execve("plain", argv, environ), EACCES);
  FAILS(execve("garbage", argv, environ), ENOEXEC);
  FAILS(execve("plain/x", argv, environ), ENOTDIR);
  FAILS(execve("badscript", argv, environ), ENOENT);
  FAILS(syscall(SYS_execve, "tool", 8L, environ), EFAULT);
  execve("tool", argv, environ);
  return 1;
}
