/* What every test program uses: a program checks its own scenario and exits 0 only if it happened,
   1 with the failed line, 77 with the reason when this kernel or user cannot do it. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      fprintf(stderr, "%s:%d: failed: %s (errno: %s)\n", __FILE__, __LINE__, #condition, \
              strerror(errno));                                                          \
      _exit(1);                                                                          \
    }                                                                                    \
  } while (0)
#define SKIP(...)                 \
  do {                            \
    fprintf(stderr, __VA_ARGS__); \
    fputc('\n', stderr);          \
    _exit(77);                    \
  } while (0)
/* The call failed with exactly this errno. */
#define FAILS(call, code) CHECK((call) == -1 && errno == (code))

static inline void put(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  CHECK(fd >= 0);
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  CHECK(close(fd) == 0);
}

/* Reads the whole of `fd` and closes it; the content must be `text`. */
static inline void expect_fd(int fd, const char* text) {
  char buffer[4096];
  CHECK(fd >= 0);
  const ssize_t got = read(fd, buffer, sizeof buffer - 1);
  CHECK(got >= 0);
  buffer[got] = 0;
  CHECK(strcmp(buffer, text) == 0);
  CHECK(close(fd) == 0);
}
static inline void expect_file(const char* path, const char* text) {
  expect_fd(open(path, O_RDONLY), text);
}

/* Waits for `pid`, which must exit by itself; returns its exit code. */
static inline int exit_code_of(pid_t pid) {
  int status = 0;
  CHECK(pid > 0);
  CHECK(waitpid(pid, &status, __WALL) == pid);
  CHECK(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* One byte over a pipe: the only way programs here wait for each other. */
static inline void tell(int fd) { CHECK(write(fd, "x", 1) == 1); }
static inline void hear(int fd) {
  char byte;
  CHECK(read(fd, &byte, 1) == 1);
}

/* The path of another program or library of the tests; the suite sets P. */
static inline const char* beside(const char* name) {
  static char path[4096];
  CHECK(getenv("P") != NULL);
  snprintf(path, sizeof path, "%s/%s", getenv("P"), name);
  return path;
}
