#include "check.h"
static void through(const char* format, int fd, const char* text) {
  char name[128];
  snprintf(name, sizeof name, format, fd);
  expect_file(name, text);
}
int main(void) {
  through("/proc/self/fd/%d", open("a", O_PATH), "a");
  through("/dev/fd/%d", open("b", O_PATH), "b");
  through("/proc/thread-self/fd/%d", open("c", O_PATH), "c");
  char format[64];
  snprintf(format, sizeof format, "/proc/%d/fd/%%d", (int)getpid());
  through(format, open("d", O_RDONLY), "d");
  through("/proc/self/fd/%d/x", open("sub", O_PATH), "in sub");
  expect_file("/proc/self/cwd/e", "e");
  snprintf(format, sizeof format, "/proc/self/root%s/f", getenv("W"));
  expect_file(format, "f");
  return 0;
}
