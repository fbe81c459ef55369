/* build: -ldl */
#include "use_library.h"
int main(void) {
  use("./dir with blanks/lib answer (1).so", "answer");
  return 0;
}
