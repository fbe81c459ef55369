#include "check.h"
int main(void) {
  expect_file("data", "before");
  CHECK(link("data", "name") == 0);
  put("name", "after");
  return 0;
}
