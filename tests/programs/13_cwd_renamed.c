#include "check.h"
int main(void) {
  CHECK(mkdir("made", 0755) == 0 && chdir("made") == 0);
  CHECK(rename("../made", "../moved") == 0);
  put("out", "text");
  expect_file("../x", "x");
  return 0;
}
