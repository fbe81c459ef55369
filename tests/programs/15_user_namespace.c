/* The same without privilege: a user namespace makes it possible. */
#include <sys/mount.h>

#include "check.h"
static void map(const char* path, const char* format, unsigned id) {
  char text[64];
  snprintf(text, sizeof text, format, id);
  const int file = open(path, O_WRONLY);
  CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) && close(file) == 0);
}
int main(void) {
  const unsigned uid = getuid(), gid = getgid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) SKIP("no user namespaces for this user");
  /* Or nothing could be made on the tmpfs: its owner would be unknown in this namespace. */
  map("/proc/self/uid_map", "0 %u 1", uid);
  map("/proc/self/setgroups", "deny", 0);
  map("/proc/self/gid_map", "0 %u 1", gid);
  CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  CHECK(mount("from", "onto", NULL, MS_BIND, NULL) == 0);
  expect_file("onto/x", "the source");
  CHECK(mount("none", "memory", "tmpfs", 0, NULL) == 0);
  const int out = open("memory/x", O_WRONLY | O_CREAT, 0644);
  CHECK(out >= 0 && write(out, "gone", 4) == 4 && close(out) == 0);
  expect_file("memory/x", "gone");
  return 0;
}
