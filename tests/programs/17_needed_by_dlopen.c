/* build: -ldl */
#include "use_library.h"
int main(void) {
  use("./libwants.so", "wanted");
  return 0;
}
