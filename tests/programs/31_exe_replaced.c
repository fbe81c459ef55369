/* Another file takes its name while it runs; /proc/self/exe is still the old one. */
#include "check.h"
int main(int argc, char** argv) {
  if (argc == 2) {
    CHECK(strcmp(argv[1], "second") == 0);
    execl("./tool", "tool", "third", (char*)NULL);
    return 1;
  }
  CHECK(rename("other", "tool") == 0);
  execl("/proc/self/exe", "tool", "second", (char*)NULL);
  return 1;
}
