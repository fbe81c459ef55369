/* Never read: what it was does not matter. */
#include "check.h"
int main(void) {
  put("data", "after");
  expect_file("data", "after");
  return 0;
}
