#include "check.h"
int main(void) {
  expect_file("data", "before");
  CHECK(truncate("data", 3) == 0);
  return 0;
}
