#include "check.h"
int main(void) {
  char target[64];
  const int dir = open("sub", O_PATH | O_DIRECTORY);
  CHECK(readlink("link", target, sizeof target) == 6 && memcmp(target, "target", 6) == 0);
  CHECK(readlinkat(dir, "link", target, sizeof target) == 9);
  const int link = open("third", O_PATH | O_NOFOLLOW);
  CHECK(link >= 0 && readlinkat(link, "", target, sizeof target) == 1);
  FAILS(readlink("plain", target, sizeof target), EINVAL);
  FAILS(readlink("none", target, sizeof target), ENOENT);
  return 0;
}
