/* A program that wants to know whether it is traced goes on whatever it learns. */
#include "attach.h"
int main(void) {
  const int first = traced();
  CHECK(first == traced());
  expect_file("x", "x");
  return 0;
}
