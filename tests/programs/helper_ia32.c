/* build: -m32 needs: multilib */
#include "check.h"
int main(void) {
  expect_file("x", "x");
  return 0;
}
