/* A 64-bit program becomes a 32-bit one: what a call's number means changes at the exec. */
#include "check.h"
int main(void) {
  const char* tool = beside("helper_ia32");
  if (access(tool, X_OK) != 0) SKIP("no 32-bit programs were built (gcc-multilib)");
  execl(tool, "helper_ia32", (char*)NULL);
  return 1;
}
