#!/usr/bin/env python3
"""Programs as people run them behave the same under fptrace: output, exit status, files made."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys

import harness
from harness import Failure, Skip, check, compare, compile_c, need, run, without


def exit_codes(scratch, mode):
    for code in (0, 1, 2, 42, 125, 126, 127, 255):
        compare(scratch, mode, ["sh", "-c", f"echo out; echo err >&2; exit {code}"])


def signals(scratch, mode):
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT, signal.SIGKILL,
                   signal.SIGSEGV, signal.SIGPIPE, signal.SIGALRM, signal.SIGTERM, signal.SIGTRAP,
                   signal.SIGSYS, signal.SIGRTMIN + 3):
        outcome = compare(scratch, mode, ["sh", "-c", f"ulimit -c 0; echo before; kill -{int(number)} $$"])
        check(outcome.status == -number, f"died of {outcome.status}, not by {number!r}")


def pipeline(scratch, mode):
    compare(scratch, mode, ["bash", "-c", "set -o pipefail; seq 100000 | sort -r | tee copy | gzip -1 | "
                            "gunzip | head -c 20000 | sha256sum; echo ${PIPESTATUS[@]}; cmp copy copy; "
                            "yes | head -n 3; echo <(true) | wc -l"])


def execing_shell(scratch, mode):
    compare(scratch, mode, ["sh", "-c", "exec sh -c 'exec env A=1 sh -c \"exec sh -c \\\"echo \\$A; exit 9\\\"\"'"])


def daemon(scratch, mode):
    """A daemon in a session of its own is waited for, and the exit status stays the program's."""
    outcome = compare(scratch, mode, ["sh", "-c", "setsid sh -c 'sleep 0.5; echo daemon > out' </dev/null "
                                      ">/dev/null 2>&1 & exit 5"])
    check(outcome.status == 5, f"exit {outcome.status}")
    check((scratch.dir / "work/out").exists(), "fptrace did not wait for the daemon")


def signal_to_fptrace(scratch, mode):
    """SIGTERM and SIGHUP sent to fptrace alone reach the program, which decides."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        script = f"trap 'echo caught; exit 7' {int(number)}; echo ready; while :; do sleep 0.05; done"
        outcomes = []
        for command in (["sh", "-c", script], scratch.traced(mode, ["sh", "-c", script])):
            with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
                check(process.stdout.readline() == b"ready\n", "never ready")
                process.send_signal(number)
                try:
                    outcomes.append((process.communicate(timeout=20)[0], process.returncode))
                except subprocess.TimeoutExpired:
                    harness.kill_descendants()
                    raise Failure(f"{number!r} ends {command} not within 20 s") from None
        check(outcomes[0] == outcomes[1] == (b"caught\n", 7), f"untraced, traced: {outcomes}")


THREADS = """
import hashlib, threading
total, lock = [], threading.Lock()
def work(n):
    digest = hashlib.sha256()
    for i in range(50):
        with open(f"{n}-{i}", "w") as f: f.write(str(i) * n)
        with open(f"{n}-{i}") as f: digest.update(f.read().encode())
    with lock: total.append((n, digest.hexdigest()))
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(total))
raise SystemExit(len(total))
"""


def python_threads(scratch, mode):
    outcome = compare(scratch, mode, [sys.executable, "-c", THREADS])
    check(outcome.status == 8, f"exit {outcome.status}")


NODE = """
const fs = require('fs'), {Worker, isMainThread, parentPort} = require('worker_threads');
const {execFileSync} = require('child_process');
if (isMainThread) {
  const names = [...Array(40).keys()].map(i => 'f' + i);
  Promise.all(names.map(n => fs.promises.writeFile(n, n))).then(async () => {
    console.log((await Promise.all(names.map(n => fs.promises.readFile(n, 'utf8')))).join());
    console.log(execFileSync('echo', ['from a child']).toString());
    const worker = new Worker(__filename);
    worker.on('message', m => { console.log(m); process.exitCode = 3; });
  });
} else parentPort.postMessage('worker sees ' + fs.readdirSync('.').length);
"""


def node(scratch, mode):
    need("node")
    outcome = compare(scratch, mode, ["node", "main.js"],
                      prepare=lambda work: (work / "main.js").write_text(NODE))
    check(outcome.status == 3, f"node itself fails here: {outcome}")


def git_commit(scratch, mode):
    need("git")
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "N"), ("EMAIL", "n@example.org"), ("DATE", "2001-02-03T04:05:06Z"))}
    compare(scratch, mode, ["sh", "-ec", "git init -q -b main .; seq 1000 > a; git add a; git commit -m one; "
                            "git mv a b; git commit -qam two; git gc -q; git log -p --stat | sha256sum; "
                            "git fsck; git status"],
            env=os.environ | who | {"HOME": str(scratch.dir), "GIT_CONFIG_NOSYSTEM": "1"})


def make_lua(scratch, mode):
    source = harness.lua_source()
    made = []

    def sorted_output(outcome):
        outcome.stdout = b"\n".join(sorted(outcome.stdout.split(b"\n")))  # -j2: in any order
        made.append(hashlib.sha256((scratch.dir / "work/lua/src/lua").read_bytes()).hexdigest())
        return outcome

    outcome = compare(scratch, mode, ["make", "-C", "lua/src", "-j2", "MYCFLAGS=-O1", "linux"],
                      prepare=lambda work: shutil.copytree(source, work / "lua", symlinks=True),
                      normal=sorted_output, timeout=240)
    check(outcome.status == 0, f"the build fails untraced: {outcome}")
    check(made[0] == made[1], "the built program differs")


CRASHES = """
#include <stdio.h>
static int depth(int n) { return n == 0 ? *(volatile int*)0 : depth(n - 1) + 1; }
int main(void) { puts("going down"); fflush(stdout); return depth(3); }
"""


def gdb(scratch, mode):
    """gdb works inside where fptrace lets it trace (notify), else it is told that it may not."""
    need("gdb")
    program = compile_c(scratch, "crashes", CRASHES, "-g", "-O0")
    command = ["gdb", "-nx", "--batch", "-ex", "set debuginfod enabled off", "-ex", "run", "-ex", "bt", program]
    untraced = run(command)
    if untraced.status != 0 or b"#3 " not in untraced.stdout:
        raise Skip(f"gdb does not work here: {untraced.stdout + untraced.stderr}")
    if mode == "notify":
        compare(scratch, mode, command, normal=without(rb"process \d+|LWP \d+|Thread 0x[0-9a-f]+"))
        return None
    outcome = run(scratch.traced(mode, command), timeout=30)
    check(b"not permitted" in outcome.stdout + outcome.stderr, f"gdb was not told: {outcome}")
    return None


def strace(scratch, mode):
    need("strace")
    command = ["strace", "-qq", "-f", "-e", "trace=openat,exit_group", "-e", "signal=none", "-o", "calls",
               "sh", "-c", "cat /etc/passwd; cat /no/such; exit 6"]
    if run(command, cwd=scratch.work()).status != 6:
        raise Skip("strace does not work here")
    if mode != "notify":
        outcome = run(scratch.traced(mode, command), cwd=scratch.work(), timeout=30)
        check(b"not permitted" in outcome.stderr, f"strace was not told: {outcome}")
        return

    def calls_too(outcome):
        lines = (scratch.dir / "work/calls").read_bytes().split(b"\n")
        by_process = {}
        for line in lines:
            pid, _, call = line.partition(b" ")
            by_process.setdefault(pid, []).append(call.strip())
        outcome.stdout += b"\n".join(sorted(b";".join(calls) for calls in by_process.values()))
        return outcome

    compare(scratch, mode, command, normal=calls_too, stderr=True)


def nested(scratch, mode):
    """fptrace in fptrace: works where the outer one lets it (notify), else it says what is wrong."""
    for inner in harness.MODES:
        command = [harness.FPTRACE, "-q", "-o", "inner.json", "--stops", inner, "--",
                   "sh", "-c", "cat /etc/passwd | wc -l; exit 11"]
        if mode == "notify":
            outcome = compare(scratch, mode, command, timeout=30)
            check(outcome.status == 11, f"exit {outcome.status}")
        else:
            outcome = run(scratch.traced(mode, command), cwd=scratch.work(), timeout=30)
            check(outcome.status == 125 and b"traces fptrace itself" in outcome.stderr,
                  f"{inner} in {mode}: {outcome}")



if __name__ == "__main__":
    sys.exit(harness.main({f.__name__: f for f in (
        exit_codes, signals, pipeline, execing_shell, daemon, signal_to_fptrace, python_threads, node,
        git_commit, make_lua, gdb, strace, nested)}))
