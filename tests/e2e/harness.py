"""What every end-to-end case needs: runs of a program untraced and under fptrace, compared.

This process becomes the reaper of whatever its runs leave behind, so that "nothing is left" can be
checked, and holds (by killing) even after a case has failed.
"""

import ctypes
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FPTRACE = os.environ.get("FPTRACE", "fptrace")
SUPPORT = Path(__file__).resolve().parent.parent / "support"
# Why no seccomp filter can be installed on this machine; `./dev test` asks `fptrace doctor`.
NO_SECCOMP = os.environ.get("FPTRACE_NO_SECCOMP", "")
MODES = ("syscall",) if NO_SECCOMP else ("notify", "filter", "syscall")

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class Skip(Exception):
    """This machine cannot run the case; says why."""


class Failure(Exception):
    """What fptrace did differs from what it should have done."""


@dataclass
class Outcome:
    stdout: bytes
    stderr: bytes
    status: int  # as subprocess has it: an exit code, or the negated signal

    def differs(self, other, stderr=True):
        """Lines that say how; empty if equal."""
        lines = []
        for name in ("status", "stdout") + (("stderr",) if stderr else ()):
            mine, its = getattr(self, name), getattr(other, name)
            if mine != its:
                lines += [f"{name} untraced: {shorten(mine)}", f"{name} traced:   {shorten(its)}"]
        return lines


def shorten(value):
    text = repr(value)
    return text if len(text) < 1500 else f"{text[:700]} ... {text[-700:]}"


def check(condition, message):
    if not condition:
        raise Failure(message)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"no {program} on this machine")


def reap_orphans():
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise Skip("may not be a child subreaper")


def children(pid):
    """The children of all threads of a process; those of a process that is gone are none."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def descendants(pid=None):
    found = []
    todo = children(pid or os.getpid())
    while todo:
        child = todo.pop()
        found.append(child)
        todo += children(child)
    return found


def describe(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        state = re.search(r"State:\s*(.*)", status)[1]
        name = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"{pid} {state} {name or re.search('Name:(.*)', status)[1]}"
    except OSError:
        return f"{pid} gone"


def reap():
    """Collects what ended without a parent of its own. Only between runs: it would steal exits."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass


def kill_descendants():
    """Only what this process started, itself or through others, can be among them."""
    for _ in range(100):
        left = descendants()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
        reap()


def wait_until_none_left(seconds):
    """The processes still there after that time, described."""
    end = time.monotonic() + seconds
    while True:
        reap()
        left = descendants()
        if not left or time.monotonic() > end:
            return [describe(pid) for pid in left]
        time.sleep(0.02)


class Scratch:
    """A directory of this run, and fptrace command lines that write into it."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="fptrace-e2e-"))
        self.manifest = self.dir / "manifest.json"

    def work(self):
        """An empty directory; the same path each time it is asked for."""
        path = self.dir / "work"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def traced(self, mode, argv, *options):
        stops = ["--stops", MODES[0] if NO_SECCOMP else mode]
        return [FPTRACE, "run", "-q", "-o", str(self.manifest), *stops, *options, "--", *argv]

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def run(argv, timeout=60, cwd=None, env=None, stdin=b""):
    """One run to its end. A run that takes longer than that hangs, which is a failure."""
    with subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=cwd, env=env) as process:
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            tree = [describe(pid) for pid in descendants()]
            kill_descendants()
            raise Failure(f"not over after {timeout} s: {argv}\n  " + "\n  ".join(tree)) from None
    return Outcome(out, err, process.returncode)


def compare(scratch, mode, argv, normal=lambda outcome: outcome, stderr=True, prepare=None, **how):
    """Runs it untraced and traced, each in a fresh directory made by prepare(dir)."""
    outcomes = []
    for command in (argv, scratch.traced(mode, argv)):
        work = scratch.work()
        if prepare:
            prepare(work)
        outcomes.append(normal(run(command, cwd=work, **how)))
        left = wait_until_none_left(5)
        check(not left, "left behind by " + " ".join(map(str, command)) + ":\n  " + "\n  ".join(left))
    differences = outcomes[0].differs(outcomes[1], stderr)
    check(not differences, f"{argv}\n  " + "\n  ".join(differences))
    check(scratch.manifest.exists(), "no manifest was written")
    return outcomes[0]


def without(pattern, *names):
    """A `normal` for compare(): text that differs from run to run (pids, say) made equal."""
    def normal(outcome):
        for name in names or ("stdout", "stderr"):
            setattr(outcome, name, re.sub(pattern, b"#", getattr(outcome, name)))
        return outcome
    return normal


def lua_source():
    """The unpacked source of lua5.4; fetched once for all cases."""
    need("dpkg-source", "apt-get", "make", "gcc")
    cache = Path(os.environ.get("FPTRACE_E2E_CACHE", tempfile.gettempdir()))
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        got = subprocess.run([SUPPORT / "debian_source.sh", "lua5.4", cache / "lua5.4"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, timeout=200)
    if got.returncode != 0:
        raise Skip("cannot fetch the source of lua5.4: " + got.stderr.decode(errors="replace")[-300:])
    return cache / "lua5.4"


def compile_c(scratch, name, text, *options):
    need("gcc")
    source = scratch.dir / f"{name}.c"
    source.write_text(text)
    built = subprocess.run(["gcc", "-O1", "-o", scratch.dir / name, source, *options],
                           stdin=subprocess.DEVNULL, capture_output=True)
    check(built.returncode == 0, f"gcc: {built.stderr!r}")
    return scratch.dir / name


def need_ia32(scratch):
    """Not every kernel runs 32-bit programs (ia32_emulation=off)."""
    try:
        subprocess.run([compile_c(scratch, "ia32", "int main(void) { return 0; }", "-m32")], check=True)
    except OSError as e:
        raise Skip(f"this kernel runs no 32-bit programs: {e.strerror}")


def main(cases, traces=True):
    """main({name: function(scratch, mode)}): runs the case argv[1] in the mode argv[2].

    `traces`: they are about tracing with ptrace, in that mode.

    Exit status: 0, 1 when it failed, 77 when it was skipped.
    """
    name, mode = sys.argv[1:3]
    os.environ["LC_ALL"] = "C"
    scratch = Scratch()
    try:
        reap_orphans()
        if traces and mode not in MODES and mode != "auto":
            raise Skip(NO_SECCOMP)
        probe = run(scratch.traced(mode, ["true"])) if traces else None
        if probe and probe.status == 125:
            raise Skip(f"no tracing with --stops {mode} here: " + probe.stderr.decode(errors="replace"))
        said = cases[name](scratch, mode)
        if said:
            print(said)
        return 0
    except Skip as reason:
        print(f"skipped: {reason}")
        return 77
    except Failure as failure:
        print(f"FAILED {name} ({mode}): {failure}")
        return 1
    finally:
        kill_descendants()
        scratch.remove()
