/* Execs its first argument with the others. */
#include "check.h"
int main(int argc, char** argv) {
  CHECK(argc >= 2);
  execv(argv[1], argv + 1);
  fprintf(stderr, "%s\n", strerror(errno));
  return errno == ELOOP ? 40 : 1;
}
