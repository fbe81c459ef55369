/* Inherited through a program that does not touch it, renamed meanwhile. */
#include "check.h"
int main(void) {
  CHECK(dup2(0, 7) == 7 && close(0) == 0);
  CHECK(rename("input", "moved") == 0);
  execl("/bin/sh", "sh", "-c", "exec cat <&7", (char*)NULL);
  return 1;
}
