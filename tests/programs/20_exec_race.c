/* Four threads exec at once while four others open files: one wins, all others end. */
#include <pthread.h>

#include "check.h"
static pthread_barrier_t barrier;
static void* run(void* unused) {
  (void)unused;
  pthread_barrier_wait(&barrier);
  execl("/proc/self/exe", "again", "second", (char*)NULL);
  for (;;) pause();
  return NULL;
}
static void* read_files(void* unused) {
  (void)unused;
  pthread_barrier_wait(&barrier);
  for (;;) close(open("y", O_RDONLY));
  return NULL;
}
int main(int argc, char** argv) {
  (void)argv;
  if (argc == 2) {
    expect_file("x", "x");
    return 0;
  }
  pthread_t thread;
  CHECK(pthread_barrier_init(&barrier, NULL, 8) == 0);
  for (int i = 0; i < 4; ++i) {
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, read_files, NULL) == 0);
  }
  for (;;) pause();
}
