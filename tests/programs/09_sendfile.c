#include <sys/sendfile.h>

#include "check.h"
int main(void) {
  expect_file("data", "before");
  const int in = open("from", O_RDONLY), out = open("data", O_WRONLY);
  CHECK(in >= 0 && out >= 0 && sendfile(out, in, NULL, 6) == 6);
  return 0;
}
