/* A timer without SA_RESTART rains on opens: an open of a common file never fails with EINTR. */
#include <sys/time.h>

#include "check.h"
static volatile sig_atomic_t ticks = 0;
static void on_tick(int signo) {
  (void)signo;
  ++ticks;
}
int main(void) {
  struct sigaction action;
  struct itimerval every = {{0, 200}, {0, 200}};
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  CHECK(sigaction(SIGALRM, &action, NULL) == 0);
  CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
  for (int i = 0; i < 3000 || ticks < 20; ++i) {
    const int fd = open("x", O_RDONLY);
    CHECK(fd >= 0);
    CHECK(close(fd) == 0);
    FAILS(access("none", F_OK), ENOENT);
  }
  return 0;
}
