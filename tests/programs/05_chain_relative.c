/* The interpreter's name is relative: to the directory of the caller, not of the script. */
#include "check.h"
int main(void) {
  char* argv[] = {(char*)"dir/script", (char*)"argument", NULL};
  execv(argv[0], argv);
  return 1;
}
