#include <sys/mount.h>

#include "check.h"
int main(void) {
  if (unshare(CLONE_NEWNS) != 0) SKIP("may not make a mount namespace");
  CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  CHECK(mount("jail", "jail", NULL, MS_BIND, NULL) == 0);
  CHECK(chdir("jail") == 0);
  CHECK(syscall(SYS_pivot_root, ".", "old") == 0);
  CHECK(chdir("/") == 0);
  expect_file("/x", "inside");
  CHECK(umount2("/old", MNT_DETACH) == 0);
  expect_file("/y", "after");
  FAILS(open("/etc/passwd", O_RDONLY), ENOENT);
  return 0;
}
