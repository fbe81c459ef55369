#include <sys/mount.h>

#include "check.h"
int main(void) {
  char options[8192];
  const char* w = getenv("W");
  if (unshare(CLONE_NEWNS) != 0) SKIP("may not make a mount namespace");
  CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", w, w, w);
  if (mount("overlay", "merged", "overlay", 0, options) != 0) SKIP("no overlay file system here");
  expect_file("merged/x", "from below");
  expect_file("merged/y", "from above");
  put("merged/out", "made");
  return 0;
}
