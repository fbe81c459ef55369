#include "check.h"
int main(void) {
  expect_file("data", "before");
  put("data.new", "after");
  CHECK(rename("data.new", "data") == 0);
  return 0;
}
