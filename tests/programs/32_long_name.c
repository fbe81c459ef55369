#include "check.h"
int main(void) {
  char name[5000];
  memset(name, 'n', sizeof name);
  name[256] = 0;
  FAILS(open(name, O_RDONLY), ENAMETOOLONG);
  name[256] = 'n';
  name[sizeof name - 1] = 0;
  FAILS(open(name, O_RDONLY), ENAMETOOLONG);
  for (size_t i = 0; i + 1 < sizeof name; ++i) name[i] = i % 2 ? '/' : '.';
  name[4094] = 'x';
  name[4095] = 0;
  expect_file(name, "x");
  return 0;
}
