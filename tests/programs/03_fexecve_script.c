/* A script by descriptor: the interpreter gets /dev/fd/N and reads it there. */
#include "check.h"
int main(void) {
  char* argv[] = {(char*)"script", (char*)"one", NULL};
  const int fd = open("script", O_RDONLY);
  CHECK(fd >= 0);
  fexecve(fd, argv, environ);
  return 1;
}
