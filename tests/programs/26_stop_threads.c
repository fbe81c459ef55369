/* A stop holds every thread; a continuation lets every thread go. */
#include <pthread.h>

#include "check.h"
static int up[2], down[2];
static void* run(void* unused) {
  (void)unused;
  tell(up[1]);
  hear(down[0]);
  tell(up[1]);
  return NULL;
}
int main(void) {
  int status = 0;
  CHECK(pipe(up) == 0 && pipe(down) == 0);
  const pid_t child = fork();
  if (child == 0) {
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) CHECK(pthread_create(&threads[i], NULL, run, NULL) == 0);
    for (int i = 0; i < 4; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    _exit(0);
  }
  for (int i = 0; i < 4; ++i) hear(up[0]);
  for (int round = 0; round < 3; ++round) {
    CHECK(kill(child, SIGSTOP) == 0);
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    CHECK(kill(child, SIGCONT) == 0);
    CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
  }
  for (int i = 0; i < 4; ++i) tell(down[1]);
  for (int i = 0; i < 4; ++i) hear(up[0]);
  CHECK(exit_code_of(child) == 0);
  return 0;
}
