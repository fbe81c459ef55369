/* The leader has already ended when another thread execs. /proc/self/exe is empty by then. */
#include <pthread.h>

#include "check.h"
static void* run(void* leader) {
  CHECK(pthread_join(*(pthread_t*)leader, NULL) == 0);
  execl(beside("20_exec_after_leader"), "again", "second", (char*)NULL);
  CHECK(!"exec failed");
  return NULL;
}
int main(int argc, char** argv) {
  (void)argv;
  if (argc == 2) {
    CHECK(getpid() == gettid());
    expect_file("x", "x");
    return 0;
  }
  static pthread_t leader;
  pthread_t thread;
  leader = pthread_self();
  CHECK(pthread_create(&thread, NULL, run, &leader) == 0);
  pthread_exit(NULL);
}
