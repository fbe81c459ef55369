#include "check.h"
int main(void) {
  expect_file("data", "before");
  CHECK(unlink("data") == 0);
  put("data", "after");
  return 0;
}
