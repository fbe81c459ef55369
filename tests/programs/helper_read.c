/* Reads each file named and exits with how many could not be read. */
#include "check.h"
int main(int argc, char** argv) {
  int failed = 0;
  for (int i = 1; i < argc; ++i) {
    char buffer[4096];
    const int fd = open(argv[i], O_RDONLY);
    if (fd < 0 || read(fd, buffer, sizeof buffer) < 0) ++failed;
    if (fd >= 0) close(fd);
  }
  return failed;
}
