#include "check.h"
int main(void) {
  expect_file("a", "end");
  expect_file("dirlink/x", "other place");
  expect_file("dirlink/../sibling", "beside the target");
  return 0;
}
