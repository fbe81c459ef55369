/* The number of a thread that ended becomes a process, and the other way round. */
#include <pthread.h>

#include "clone3.h"
static pid_t number;
static void* run(void* unused) {
  (void)unused;
  number = gettid();
  expect_file("thread", "t");
  return NULL;
}
int main(void) {
  pthread_t thread;
  struct clone_args args;
  CHECK(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0);
  memset(&args, 0, sizeof args);
  args.exit_signal = SIGCHLD;
  args.set_tid = (uintptr_t)&number;
  args.set_tid_size = 1;
  pid_t child;
  /* pthread_join returns a moment before the kernel has let go of the number. */
  while ((child = clone3(&args)) < 0 && errno == EEXIST) {}
  if (child < 0) SKIP("may not choose a pid: %s", strerror(errno));
  if (child == 0) {
    CHECK(getpid() == number);
    expect_file("process", "p");
    _exit(5);
  }
  CHECK(child == number && exit_code_of(child) == 5);
  return 0;
}
