/* Each process makes one child and waits for it; the last one writes. */
#include "check.h"
int main(int argc, char** argv) {
  int left = argc == 2 ? atoi(argv[1]) : 0;
  CHECK(left > 0);
  for (; left > 0; --left) {
    const pid_t child = fork();
    if (child < 0) SKIP("may not make so many processes: %s", strerror(errno));
    if (child > 0) return exit_code_of(child);
  }
  put("out", "from the end of the chain");
  return 0;
}
