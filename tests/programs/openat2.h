#pragma once
#include <linux/openat2.h>

#include "check.h"

static inline int openat2(int dir, const char* path, uint64_t flags, uint64_t resolve) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = flags;
  how.resolve = resolve;
  const int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
  if (fd < 0 && errno == ENOSYS) SKIP("this kernel has no openat2");
  return fd;
}
