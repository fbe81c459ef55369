#include <pthread.h>

#include "check.h"

static int dir = -1;
static void* open_dir(void* unused) {
  (void)unused;
  dir = open("sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return NULL;
}
int main(void) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, open_dir, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  expect_fd(openat(dir, "x", O_RDONLY), "inside");
  return 0;
}
