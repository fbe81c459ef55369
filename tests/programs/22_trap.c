#include "filter.h"
static volatile long seen = 0;
static void on_sys(int signo, siginfo_t* info, void* context) {
  (void)signo;
  (void)context;
  seen = info->si_syscall;
}
int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_sys;
  action.sa_flags = SA_SIGINFO;
  CHECK(sigaction(SIGSYS, &action, NULL) == 0);
  CHECK(filter_one(SYS_openat, SECCOMP_RET_TRAP, 0) == 0);
  const int fd = open("x", O_RDONLY);
  (void)fd;
  CHECK(seen == SYS_openat);
  expect_fd((int)syscall(SYS_open, "y", O_RDONLY), "y");
  return 0;
}
