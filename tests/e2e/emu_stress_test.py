#!/usr/bin/env python3
"""Much of everything in a guest: the replay tells of all of it, and the host's memory stays bounded.

What a case prints are the seconds and peak memory of its runs.
"""

import json
import os
import sys
import time
from pathlib import Path

import emu_test
import harness
from harness import FPTRACE, Skip, check, compile_c

# Of the guest (the image's default), and of what QEMU and fptrace need besides.
GUEST_MEMORY, BESIDES = 1024 << 20, 400 << 20

CROWD = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
enum { kProcesses = 100, kThreads = 50 };
static pthread_barrier_t all_there;
static void touch(const char* kind, int i) {
  char path[64];
  snprintf(path, sizeof path, "%s.%d", kind, i);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (fd < 0 || write(fd, path, 1) != 1 || close(fd) != 0) abort();
}
static void* thread(void* number) {
  pthread_barrier_wait(&all_there);
  touch("thread", (int)(long)number);
  return NULL;
}
int main(void) {
  int there[2], go[2];
  char c;
  if (pipe(there) != 0 || pipe(go) != 0) return 1;
  for (int i = 0; i < kProcesses; ++i) {
    pid_t pid = fork();
    if (pid < 0) return 2;
    if (pid > 0) continue;
    close(go[1]);
    if (write(there[1], "x", 1) != 1 || read(go[0], &c, 1) != 0) _exit(3);  /* until all are there */
    touch("process", i);
    _exit(0);
  }
  for (int i = 0; i < kProcesses; ++i)
    if (read(there[0], &c, 1) != 1) return 4;
  close(go[1]);
  for (int i = 0; i < kProcesses; ++i) {
    int status;
    if (wait(&status) < 0 || status != 0) return 5;
  }
  pthread_t threads[kThreads];
  pthread_barrier_init(&all_there, NULL, kThreads);
  for (long i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, thread, (void*)i) != 0) return 6;
  for (int i = 0; i < kThreads; ++i)
    if (pthread_join(threads[i], NULL) != 0) return 7;
  puts("all");
  return 0;
}
"""

# Argument: bytes, by way of a pipe from a child.
PIPE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char buffer[1 << 16];
int main(int argc, char** argv) {
  unsigned long long size = strtoull(argv[argc - 1], NULL, 0), got = 0, sum = 0;
  int fds[2];
  if (pipe(fds) != 0) return 1;
  if (fork() == 0) {
    memset(buffer, 7, sizeof buffer);
    while (size > 0) {
      ssize_t n = write(fds[1], buffer, size < sizeof buffer ? size : sizeof buffer);
      if (n <= 0) _exit(2);
      size -= (unsigned long long)n;
    }
    _exit(0);
  }
  close(fds[1]);
  for (ssize_t n; (n = read(fds[0], buffer, sizeof buffer)) > 0; got += (unsigned long long)n)
    sum += (unsigned char)buffer[n - 1];
  printf("%llu %s\n", got, sum > 0 && sum % 7 == 0 ? "sevens" : "other");
  return 0;
}
"""

SPARSE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
static const unsigned long long kSize = 4ull << 30, kStep = 64ull << 20;
static int visit(unsigned char* map) {
  for (unsigned long long at = 0; at < kSize; at += kStep) map[at] = (unsigned char)(at / kStep + 1);
  for (unsigned long long at = 0; at < kSize; at += kStep)
    if (map[at] != (unsigned char)(at / kStep + 1) || map[at + 1] != 0) return 0;
  return 1;
}
int main(void) {
  unsigned char* plain = mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int fd = open("sparse", O_RDWR | O_CREAT, 0600);
  if (plain == MAP_FAILED || fd < 0 || ftruncate(fd, (off_t)kSize) != 0) return 1;
  unsigned char* file = mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (file == MAP_FAILED) return 2;
  printf("%d %d\n", visit(plain), visit(file));
  return 0;
}
"""


def measured(argv, timeout=280, **how):
    """(Outcome, seconds, the most memory that it or one of its children had)."""
    log = how.pop("log")
    wrapper = ("import json,resource,subprocess,sys\n"
               "code = subprocess.run(sys.argv[2:]).returncode\n"
               "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
               "sys.exit(code if code >= 0 else 128 - code)\n")
    start = time.monotonic()
    outcome = harness.run([sys.executable, "-c", wrapper, log, *argv], timeout=timeout, **how)
    return outcome, time.monotonic() - start, int(Path(log).read_text()) << 10


def record_and_trace(scratch, argv, expect, timeout=280):
    """Records it and replays it under all that looks. Returns the manifest and a line of figures."""
    figures, outcomes = [], []
    bundle, manifest, log = (scratch.dir / n for n in ("a.fpr", "manifest.json", "a.fplog"))
    for name, command in (
            ("record", [FPTRACE, "record", "-o", bundle, "--", *argv]),
            ("replay", [FPTRACE, "replay", "-q", "-o", manifest, "--log", log, "--with-processes", bundle])):
        outcome, seconds, memory = measured(command, timeout, log=scratch.dir / "rss", cwd=scratch.work())
        check(outcome.status == 0, f"{name}: {outcome}")
        check(outcome.stdout == expect, f"{name}: {outcome}")
        check(memory < GUEST_MEMORY + BESIDES, f"{name} took {memory >> 20} MiB of memory")
        outcomes.append(outcome)
        figures.append(f"{name} {seconds:.1f} s, {memory >> 20} MiB")
    figures.append(f"recording {bundle.stat().st_size / 1e6:.1f} MB, events {log.stat().st_size / 1e6:.1f} MB")
    return json.loads(manifest.read_text()), "; ".join(figures)


def crowd(scratch, mode):
    program = compile_c(scratch, "crowd", CROWD, "-pthread")
    manifest, figures = record_and_trace(scratch, [program], b"all\n")
    made = {Path(o["path"]).name for o in manifest["outputs"]}
    expected = {f"process.{i}" for i in range(100)} | {f"thread.{i}" for i in range(50)}
    check(made == expected, f"missing {sorted(expected - made)}, too many {sorted(made - expected)}")
    processes = manifest["processes"]
    check(len(processes) == 101, f"{len(processes)} processes instead of 101")
    return figures


def much_through_a_pipe(scratch, mode):
    """FPTRACE_E2E_PIPE_MIB=1024 for the whole of it."""
    size = int(os.environ.get("FPTRACE_E2E_PIPE_MIB", "64")) << 20
    program = compile_c(scratch, "through", PIPE)
    _, figures = record_and_trace(scratch, [program, str(size)], f"{size} sevens\n".encode(),
                                  timeout=250 + (size >> 20))
    return figures


def sparse_memory(scratch, mode):
    program = compile_c(scratch, "sparse_map", SPARSE)
    manifest, figures = record_and_trace(scratch, [program], b"1 1\n")
    (made,) = [o for o in manifest["outputs"] if o["path"].endswith("/sparse")]
    # Its holes are neither on the disk nor in memory: it has no hash, and the manifest says so.
    check("sha256" in made or not manifest["coverage"]["complete"], f"{made} {manifest['coverage']}")
    return figures


if __name__ == "__main__":
    sys.exit(emu_test.main_with_image({f.__name__: f for f in (crowd, much_through_a_pipe, sparse_memory)}))
