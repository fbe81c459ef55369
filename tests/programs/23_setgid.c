/* As root: becomes nobody and runs a program that makes it root, or a group's, again. */
#include <grp.h>

#include "check.h"
int main(int argc, char** argv) {
  CHECK(argc == 2);
  if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
      setresuid(65534, 65534, 65534) != 0) {
    SKIP("may not give up root: %s", strerror(errno));
  }
  execl(argv[1], argv[1], (char*)NULL);
  return 1;
}
