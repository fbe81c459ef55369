/* A thread ends the process while others wait, open files and fork. */
#include <pthread.h>

#include "check.h"
static void* busy(void* unused) {
  (void)unused;
  for (;;) close(open("x", O_RDONLY));
  return NULL;
}
static void* waits(void* unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}
static void* ends(void* unused) {
  (void)unused;
  exit(9);
}
int main(void) {
  pthread_t thread;
  expect_file("x", "x");
  for (int i = 0; i < 4; ++i) {
    CHECK(pthread_create(&thread, NULL, busy, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, waits, NULL) == 0);
  }
  CHECK(pthread_create(&thread, NULL, ends, NULL) == 0);
  for (;;) pause();
}
