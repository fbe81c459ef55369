/* A process with busy threads, in the middle of system calls, is killed from outside. */
#include <pthread.h>

#include "check.h"
static int ready[2];
static void* busy(void* unused) {
  (void)unused;
  tell(ready[1]);
  for (;;) close(open("x", O_RDONLY));
  return NULL;
}
int main(void) {
  int status = 0;
  CHECK(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    expect_file("x", "x");
    for (int i = 0; i < 6; ++i) CHECK(pthread_create(&thread, NULL, busy, NULL) == 0);
    for (;;) pause();
  }
  for (int i = 0; i < 6; ++i) hear(ready[0]);
  CHECK(kill(child, SIGKILL) == 0);
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
  return 0;
}
