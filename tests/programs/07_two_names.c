/* Two names of one file from before the run: both are dependencies. */
#include "check.h"
int main(void) {
  expect_file("one", "same");
  expect_file("two", "same");
  return 0;
}
