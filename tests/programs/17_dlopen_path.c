/* build: -ldl */
#include "use_library.h"
int main(void) {
  CHECK(dlopen("./none.so", RTLD_NOW) == NULL);
  use("./libanswer.so", "answer");
  return 0;
}
