#include <sys/mman.h>

#include "check.h"
int main(void) {
  expect_file("data", "before");
  const int fd = open("data", O_RDWR);
  CHECK(fd >= 0);
  char* map = mmap(NULL, 6, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(map != MAP_FAILED && close(fd) == 0);
  memcpy(map, "AFTER", 5);
  CHECK(munmap(map, 6) == 0);
  return 0;
}
