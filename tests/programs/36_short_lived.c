/* Many processes one after the other and some at once, each with an exec. */
#include "check.h"
int main(int argc, char** argv) {
  const int count = argc == 2 ? atoi(argv[1]) : 0;
  const char* tool = beside("helper_read");
  CHECK(count > 0);
  for (int i = 0; i < count; i += 4) {
    for (int j = 0; j < 4; ++j) {
      if (fork() == 0) {
        execl(tool, "helper_read", "x", (char*)NULL);
        _exit(99);
      }
    }
    for (int j = 0; j < 4; ++j) {
      int status = 0;
      CHECK(wait(&status) > 0 && status == 0);
    }
  }
  return 0;
}
