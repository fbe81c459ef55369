#include "check.h"
int main(void) {
  CHECK(rename("input", "moved") == 0);
  expect_file("moved", "original");
  return 0;
}
