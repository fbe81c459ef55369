#include "check.h"
int main(void) {
  FAILS(open("secret", O_RDONLY), EACCES);
  FAILS(open("closed/x", O_RDONLY), EACCES);
  FAILS(access("secret", R_OK), EACCES);
  expect_file("open", "found");
  return 0;
}
