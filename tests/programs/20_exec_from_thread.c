#include <pthread.h>

#include "check.h"
static int started[2];
static char pid_text[16];
static void* idle(void* unused) {
  (void)unused;
  tell(started[1]);
  for (;;) pause();
  return NULL;
}
static void* run(void* unused) {
  (void)unused;
  for (int i = 0; i < 3; ++i) hear(started[0]);
  execl("/proc/self/exe", "again", pid_text, (char*)NULL);
  CHECK(!"exec failed");
  return NULL;
}
int main(int argc, char** argv) {
  if (argc == 2) { /* the same pid, one thread */
    CHECK(atoi(argv[1]) == getpid() && getpid() == gettid());
    expect_file("x", "x");
    return 0;
  }
  pthread_t thread;
  CHECK(pipe2(started, O_CLOEXEC) == 0);
  snprintf(pid_text, sizeof pid_text, "%d", (int)getpid());
  for (int i = 0; i < 3; ++i) CHECK(pthread_create(&thread, NULL, idle, NULL) == 0);
  CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
  pause();
  return 1;
}
