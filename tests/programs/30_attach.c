/* Four threads, one descriptor and another working directory from before the attach. */
#include <pthread.h>

#include "attach.h"
static int start[2];
static void* run(void* name) {
  hear(start[0]);
  expect_file(name, "after");
  return NULL;
}
int main(void) {
  static char names[4][8];
  pthread_t threads[4];
  CHECK(chdir("sub") == 0);
  const int before = open("before", O_RDONLY);
  CHECK(before >= 0 && pipe(start) == 0);
  for (int i = 0; i < 4; ++i) {
    snprintf(names[i], sizeof names[i], "t%d", i);
    CHECK(pthread_create(&threads[i], NULL, run, names[i]) == 0);
  }
  wait_for_tracer();
  for (int i = 0; i < 4; ++i) tell(start[1]);
  for (int i = 0; i < 4; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  expect_fd(before, "before");
  const pid_t child = fork();
  if (child == 0) {
    expect_file("child", "after");
    _exit(3);
  }
  CHECK(exit_code_of(child) == 3);
  return 4;
}
