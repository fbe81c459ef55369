#pragma once
#include <linux/sched.h>

#include "check.h"

static inline pid_t clone3(struct clone_args* args) {
  const long pid = syscall(SYS_clone3, args, sizeof *args);
  if (pid < 0 && errno == ENOSYS) SKIP("this kernel has no clone3");
  return (pid_t)pid;
}
