/* What a program can find out about itself is the same with and without a tracer: descriptors,
   signal mask and dispositions, limits, process group, privileges. */
#include <dirent.h>
#include <sys/resource.h>

#include "check.h"
int main(void) {
  char line[512];
  for (int fd = 0; fd < 64; ++fd) printf("%d", fcntl(fd, F_GETFD));
  FILE* status = fopen("/proc/self/status", "r");
  CHECK(status != NULL);
  while (fgets(line, sizeof line, status) != NULL) {
    static const char* const names[] = {
        "Sig", "Shd",    "Cap",   "NoNewPrivs", "Uid",
        "Gid", "Groups", "Umask", "Threads",    "Cpus_allowed_list"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
      if (strncmp(line, names[i], strlen(names[i])) == 0 && strncmp(line, "SigQ", 4) != 0)
        fputs(line, stdout);
    }
  }
  fclose(status);
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    struct rlimit limit;
    CHECK(getrlimit((__rlimit_resource_t)i, &limit) == 0);
    printf("limit %d %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
           (unsigned long long)limit.rlim_max);
  }
  for (char** e = environ; *e != NULL; ++e) puts(*e);
  printf("%d %d\n", getpgrp() == getsid(0), getpriority(PRIO_PROCESS, 0));
  printf("%d %s\n", getpid() == gettid(), program_invocation_name);
  return 0;
}
