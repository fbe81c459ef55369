/* Everybody forks until RLIMIT_NPROC says no to one of them; then all end. Runs as nobody, whose
   processes the limit counts. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "check.h"
int main(int argc, char** argv) {
  const rlim_t limit = argc == 2 ? (rlim_t)atoi(argv[1]) : 0;
  const struct rlimit both = {limit, limit};
  /* Or every process that ends would make room for another one, for a very long time. */
  volatile int* full =
      mmap(NULL, sizeof *full, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(limit > 0 && getuid() != 0 && full != MAP_FAILED);
  CHECK(setrlimit(RLIMIT_NPROC, &both) == 0);
  int first = 1;
  while (!*full) {
    const pid_t child = fork();
    if (child == 0) first = 0;
    if (child < 0) {
      CHECK(errno == EAGAIN);
      *full = 1;
    }
  }
  while (wait(NULL) > 0) {}
  CHECK(errno == ECHILD);
  if (first) expect_file("x", "x");
  return 0;
}
