#include "check.h"
int main(void) {
  expect_file("data", "before");
  char magic[64];
  const int fd = open("data", O_RDONLY);
  snprintf(magic, sizeof magic, "/proc/self/fd/%d", fd);
  put(magic, "after");
  return 0;
}
