/* build: -ldl -Wl,--disable-new-dtags rpath: $ORIGIN/../lib */
#include "use_library.h"
int main(void) {
  use("libanswer.so", "answer");
  return 0;
}
