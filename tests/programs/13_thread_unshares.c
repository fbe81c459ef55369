#include <pthread.h>

#include "check.h"
static void* move_alone(void* unused) {
  (void)unused;
  CHECK(unshare(CLONE_FS) == 0);
  CHECK(chdir("sub") == 0);
  expect_file("x", "inside");
  return NULL;
}
int main(void) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, move_alone, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  expect_file("y", "outside");
  return 0;
}
