/* Makes directories, 25 of 200 letters each, in the current one, with a file "x" at the end. */
#include "check.h"
int main(void) {
  char name[201];
  memset(name, 'd', 200);
  name[200] = 0;
  for (int i = 0; i < 25; ++i) CHECK(mkdir(name, 0755) == 0 && chdir(name) == 0);
  put("x", "deep");
  return 0;
}
