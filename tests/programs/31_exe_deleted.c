/* Deletes its own file, then runs itself again. */
#include "check.h"
int main(int argc, char** argv) {
  char target[4096];
  if (argc == 2) return strcmp(argv[1], "second") == 0 ? 0 : 1;
  CHECK(unlink("tool") == 0);
  const ssize_t size = readlink("/proc/self/exe", target, sizeof target - 1);
  CHECK(size > 10);
  target[size] = 0;
  CHECK(strcmp(target + size - 10, " (deleted)") == 0);
  execl("/proc/self/exe", "tool", "second", (char*)NULL);
  return 1;
}
