/* Threads that fork and exec at the same time. */
#include <pthread.h>

#include "check.h"
static const char* tool;
static void* run(void* name) {
  const pid_t child = fork();
  if (child == 0) {
    execl(tool, "helper_read", (char*)name, (char*)NULL);
    _exit(99);
  }
  CHECK(exit_code_of(child) == 0);
  return NULL;
}
int main(void) {
  static char names[8][8];
  pthread_t threads[8];
  tool = beside("helper_read");
  for (int i = 0; i < 8; ++i) {
    snprintf(names[i], sizeof names[i], "f%d", i);
    CHECK(pthread_create(&threads[i], NULL, run, names[i]) == 0);
  }
  for (int i = 0; i < 8; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  return 0;
}
