#!/usr/bin/env python3
"""Heavy and hostile loads, with the same verdict as untraced; and fptrace killed in the middle."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import harness
from harness import FPTRACE, Failure, Skip, check, compile_c, need, run

SECONDS = os.environ.get("FPTRACE_STRESS_SECONDS", "2")
KILLS = int(os.environ.get("FPTRACE_E2E_KILLS", "10"))


def open_to_all(scratch):
    work = scratch.work()
    scratch.dir.chmod(0o755)
    work.chmod(0o777)
    return work


def stress(stressor):
    """A case that runs one class of stress-ng, two at a time."""
    def case(scratch, mode):
        need("stress-ng")
        command = ["stress-ng", f"--{stressor}", "2", "-t", f"{SECONDS}s", "--oomable", "--temp-path", "."]
        if stressor == "io-uring":  # takes the EINTR of its own alarm at the end of the time for a failure
            command[4:5] = ["30s", "--io-uring-ops", "400"]
        if stressor == "seccomp":  # thousands of filters freed at once can leave Linux 6.18 in a deadlock
            if harness.NO_SECCOMP:
                raise Skip(harness.NO_SECCOMP)
            command[4:5] = ["30s", "--seccomp-ops", "200"]
        if stressor in ("exec", "spawn") and os.geteuid() == 0:  # which it declines to do as root
            need("setpriv")
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + command
        seconds = int(SECONDS) * 5 + 60
        untraced = run(command, cwd=open_to_all(scratch), timeout=seconds)
        said = untraced.stdout + untraced.stderr
        if b"unrecognized option" in said or b"unknown option" in said:
            raise Skip(f"this stress-ng has no --{stressor}")
        left = harness.wait_until_none_left(10)
        if left:
            raise Skip(f"untraced it leaves processes behind: {left}")
        traced = run(scratch.traced(mode, command), cwd=open_to_all(scratch), timeout=seconds)
        check(traced.status == untraced.status,
              f"exit {untraced.status} untraced, {traced.status} traced:\n"
              f"  {harness.shorten(said)}\n  {harness.shorten(traced.stdout + traced.stderr)}")
        left = harness.wait_until_none_left(10)
        check(not left, f"left behind: {left}")
        json.loads(scratch.manifest.read_text())
        skipped = re.search(rb"skipp(ed|ing)[^\n]*", traced.stdout + traced.stderr)
        return f"exit {traced.status}" + (f" ({skipped[0].decode(errors='replace')[:90]})"
                                          if skipped and not re.search(rb"skipped: 0", skipped[0]) else "")
    return case


MANY = """
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char** argv) {
  int count = atoi(argv[argc - 1]), up[2], down[2], sum = 0, made = 0;
  char byte = 0;
  if (pipe(up) || pipe(down)) return 9;
  for (; made < count; ++made) {
    const pid_t pid = fork();
    if (pid < 0) break;
    if (pid == 0) {
      close(down[1]);
      close(open("/etc/passwd", O_RDONLY));
      if (write(up[1], &byte, 1) != 1 || read(down[0], &byte, 1) != 0) _exit(1);
      _exit(made % 200);
    }
  }
  for (int i = 0; i < made; ++i)
    if (read(up[0], &byte, 1) != 1) return 8;
  printf("%d at once\\n", made);
  close(down[1]);
  for (int status; wait(&status) > 0;) sum += WEXITSTATUS(status);
  printf("sum %d\\n", sum);
  return made == count ? 6 : 77;
}
"""


def many_processes(scratch, mode):
    """5,000 processes at the same time, every one of them in the manifest."""
    program = compile_c(scratch, "many", MANY)
    untraced = run([program, "5000"], timeout=60)
    if untraced.status == 77:
        raise Skip(f"this machine allows fewer processes: {untraced.stdout}")
    began = time.monotonic()
    traced = run(scratch.traced(mode, [program, "5000"], "--with-processes"), timeout=280)
    took = time.monotonic() - began
    differences = untraced.differs(traced)
    check(not differences, "\n".join(differences))
    left = harness.wait_until_none_left(10)
    check(not left, f"{len(left)} left behind: {left[:10]}")
    listed = len(json.loads(scratch.manifest.read_text())["processes"])
    check(listed == 5001, f"{listed} processes in the manifest")
    return f"{took:.1f} s"


# Forks, threads, files, a daemon, a stopped process, a process that ignores signals.
LOAD = """
trap '' TERM HUP
(setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 0.02; done' &)
sh -c 'kill -STOP $$' &
i=0
while [ $i -lt 4000 ]; do
  (echo $i > f$i; cat f$i /etc/passwd | sort | head -n 3 >/dev/null; mv f$i g; rm g) &
  [ $((i % 20)) = 0 ] && python3 -c 'import threading
for n in range(6): threading.Thread(target=lambda: list(open("/etc/passwd"))).start()' &
  i=$((i + 1))
  [ $((i % 8)) = 0 ] && sleep 0.02
done
"""


def killed(scratch, mode):
    """SIGKILL at random moments: the log can be read as far as it goes, and nothing goes on."""
    seed = int(os.environ.get("FPTRACE_E2E_SEED", random.randrange(10**9)))
    chance = random.Random(seed)
    log = scratch.dir / "run.fplog"
    verdicts, events = {}, []
    for number in range(KILLS):
        log.unlink(missing_ok=True)
        delay = chance.choice((0.05, 0.5, 2.0)) * chance.random()
        where = f"kill {number} after {delay:.3f} s (FPTRACE_E2E_SEED={seed})"
        fptrace = subprocess.Popen(scratch.traced(mode, ["sh", "-c", LOAD], "-l", str(log)), cwd=scratch.work(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        check(fptrace.poll() is None, f"{where}: fptrace had ended with {fptrace.returncode}")
        fptrace.send_signal(signal.SIGKILL)
        fptrace.wait()
        left = harness.wait_until_none_left(10)
        check(not left, f"{where}: {len(left)} processes go on, such as {left[:5]}")
        # Killed before it was begun; the program had not begun either.
        if not log.exists() or log.stat().st_size == 0:
            verdicts["before the log"] = verdicts.get("before the log", 0) + 1
            check(delay < 0.3, f"{where}: no log")
            continue
        read = subprocess.run([FPTRACE, "log", str(log)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        verdict = f"exit {read.returncode}"
        check(read.returncode in (0, 125), f"{where}: fptrace log: {read.returncode} {read.stderr!r}")
        if read.returncode == 125:
            check(b"cut short" in read.stderr, f"{where}: fptrace log: {read.stderr!r}")
            verdict += " cut short"
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
        events.append(read.stdout.count(b"\n"))
    return f"seed {seed}: {verdicts}; events read: {min(events, default=0)} to {max(events, default=0)}"


class Cases(dict):
    """stress_NAME runs any class that stress-ng knows."""

    def __missing__(self, name):
        return stress(name.removeprefix("stress_"))


if __name__ == "__main__":
    sys.exit(harness.main(Cases({f.__name__: f for f in (many_processes, killed)})))
