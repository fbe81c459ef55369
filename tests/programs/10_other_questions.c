#include <sys/inotify.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "check.h"
int main(void) {
  struct statfs fs;
  char value[16];
  struct {
    struct file_handle head;
    unsigned char bytes[MAX_HANDLE_SZ];
  } handle;
  int mount = 0;
  CHECK(statfs("statfs", &fs) == 0);
  CHECK(getxattr("getxattr", "user.none", value, sizeof value) == -1);
  CHECK(listxattr("listxattr", value, sizeof value) >= 0);
  const int watch = inotify_init1(IN_CLOEXEC);
  CHECK(watch >= 0 && inotify_add_watch(watch, "watched", IN_MODIFY) >= 0);
  memset(&handle, 0, sizeof handle);
  handle.head.handle_bytes = MAX_HANDLE_SZ;
  CHECK(name_to_handle_at(AT_FDCWD, "handle", &handle.head, &mount, 0) == 0 || errno == EOPNOTSUPP);
  return 0;
}
