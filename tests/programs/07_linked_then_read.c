#include "check.h"
int main(void) {
  CHECK(link("input", "name") == 0);
  expect_file("name", "original");
  return 0;
}
