#pragma once
#include "check.h"

/* Says that the program may be attached to, and waits until somebody has (or, untraced, has not).
 */
static inline void wait_for_tracer(void) {
  const int ready = open(getenv("READY"), O_WRONLY);
  /* Not O_RDONLY, which would wait, so that this call could fall before or behind the attach. */
  const int go = open(getenv("GO"), O_RDWR);
  CHECK(ready >= 0 && go >= 0);
  tell(ready);
  hear(go);
  CHECK(close(ready) == 0 && close(go) == 0);
}

static inline int traced(void) {
  char line[256];
  int pid = -1;
  FILE* status = fopen("/proc/self/status", "r");
  CHECK(status != NULL);
  while (fgets(line, sizeof line, status) != NULL) sscanf(line, "TracerPid: %d", &pid);
  fclose(status);
  return pid != 0;
}
