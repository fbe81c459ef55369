#include "check.h"
int main(void) {
  char* argv[] = {(char*)"renamed", (char*)"argument", NULL};
  const int fd = open("tool", O_RDONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  fexecve(fd, argv, environ);
  return 1;
}
