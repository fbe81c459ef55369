#include <sys/mount.h>

#include "check.h"
int main(void) {
  if (unshare(CLONE_NEWNS) != 0) SKIP("may not make a mount namespace");
  CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  CHECK(mount("from", "onto", NULL, MS_BIND, NULL) == 0);
  expect_file("onto/x", "the source");
  CHECK(mount("single", "target", NULL, MS_BIND, NULL) == 0);
  expect_file("target", "one file");
  return 0;
}
