#include "check.h"
int main(void) {
  expect_file("with blank", "1");
  expect_file("with\nnewline", "2");
  expect_file(
      "not \xff\xfe"
      " utf8",
      "3");
  expect_file("quote\" and \\ backslash", "4");
  expect_file("\033[31mred\t", "5");
  FAILS(open("none\n\xc3", O_RDONLY), ENOENT);
  put("out \x80\n", "made");
  expect_file("dir \xe9/x y", "6");
  return 0;
}
