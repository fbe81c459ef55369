/* build: -ldl */
#include "use_library.h"
int main(void) {
  use("$ORIGIN/sub/libanswer.so", "answer");
  return 0;
}
