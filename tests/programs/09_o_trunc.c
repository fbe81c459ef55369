#include "check.h"
int main(void) {
  expect_file("data", "before");
  put("data", "after");
  return 0;
}
