/* N processes alive at the same time; the last one to come lets them all go. */
#include "check.h"
int main(int argc, char** argv) {
  const int count = argc == 2 ? atoi(argv[1]) : 0;
  int up[2], down[2];
  CHECK(count > 0 && pipe(up) == 0 && pipe(down) == 0);
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) SKIP("may not make %d processes: %s", count, strerror(errno));
    if (child == 0) {
      char byte;
      close(up[0]);
      close(down[1]);
      CHECK(close(open("x", O_RDONLY)) == 0);
      tell(up[1]);
      CHECK(read(down[0], &byte, 1) == 0);
      _exit(i % 200);
    }
  }
  for (int i = 0; i < count; ++i) hear(up[0]);
  CHECK(close(down[1]) == 0);
  long sum = 0, want = 0;
  for (int i = 0; i < count; ++i) {
    int status = 0;
    CHECK(wait(&status) > 0 && WIFEXITED(status));
    sum += WEXITSTATUS(status);
    want += i % 200;
  }
  CHECK(sum == want);
  return 0;
}
