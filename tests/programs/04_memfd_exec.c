#include <sys/mman.h>

#include "check.h"
int main(void) {
  static char buffer[1 << 20];
  char* argv[] = {(char*)"from memory", NULL};
  const int in = open("tool", O_RDONLY | O_CLOEXEC);
  const int memory = memfd_create("payload", MFD_CLOEXEC);
  CHECK(in >= 0 && memory >= 0);
  ssize_t got;
  while ((got = read(in, buffer, sizeof buffer)) > 0)
    CHECK(write(memory, buffer, (size_t)got) == got);
  CHECK(got == 0);
  fexecve(memory, argv, environ);
  return 1;
}
