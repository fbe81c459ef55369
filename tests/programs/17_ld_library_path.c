/* build: -ldl */
#include "use_library.h"
int main(void) {
  use("libanswer.so", "answer");
  return 0;
}
