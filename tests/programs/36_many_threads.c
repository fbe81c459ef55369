#include <pthread.h>

#include "check.h"
static pthread_barrier_t barrier;
static void* run(void* unused) {
  (void)unused;
  pthread_barrier_wait(&barrier);
  expect_file("x", "x");
  return NULL;
}
int main(int argc, char** argv) {
  const int count = argc == 2 ? atoi(argv[1]) : 0;
  pthread_t* threads = calloc((size_t)count, sizeof *threads);
  pthread_attr_t small;
  CHECK(count > 0 && threads != NULL && pthread_attr_init(&small) == 0);
  CHECK(pthread_attr_setstacksize(&small, 65536) == 0);
  CHECK(pthread_barrier_init(&barrier, NULL, (unsigned)count) == 0);
  for (int i = 0; i < count; ++i) {
    if (pthread_create(&threads[i], &small, run, NULL) != 0) SKIP("may not make %d threads", count);
  }
  for (int i = 0; i < count; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  return 0;
}
