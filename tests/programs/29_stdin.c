#include "check.h"
int main(void) {
  expect_fd(0, "from before");
  return 0;
}
