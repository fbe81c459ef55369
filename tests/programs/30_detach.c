/* Opening "detach" makes the suite ask the tracer to let go; what follows is nobody's business. */
#include <pthread.h>

#include "attach.h"
static int start[2], done[2];
static void* run(void* unused) {
  (void)unused;
  hear(start[0]);
  expect_file("later", "later");
  tell(done[1]);
  return NULL;
}
int main(void) {
  pthread_t thread;
  CHECK(pipe(start) == 0 && pipe(done) == 0);
  CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
  wait_for_tracer();
  expect_file("detach", "now");
  while (traced()) sched_yield();
  tell(start[1]);
  hear(done[0]);
  const pid_t child = fork();
  if (child == 0) _exit(access("later", R_OK) == 0 ? 6 : 1);
  CHECK(exit_code_of(child) == 6);
  puts("unharmed");
  return 7;
}
