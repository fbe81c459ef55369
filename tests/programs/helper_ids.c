/* Who runs this, and whether that may still change by exec. */
#include "check.h"
int main(void) {
  uid_t r, e, s;
  gid_t rg, eg, sg;
  char line[256];
  CHECK(getresuid(&r, &e, &s) == 0 && getresgid(&rg, &eg, &sg) == 0);
  printf("uid %d %d %d gid %d %d %d\n", (int)r, (int)e, (int)s, (int)rg, (int)eg, (int)sg);
  FILE* status = fopen("/proc/self/status", "r");
  CHECK(status != NULL);
  while (fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, "NoNewPrivs", 10) == 0 || strncmp(line, "CapEff", 6) == 0)
      fputs(line, stdout);
  }
  return 0;
}
