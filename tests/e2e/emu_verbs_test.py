#!/usr/bin/env python3
"""What can be seen in a replay besides its events: processes, time, calls, code, strings, memory."""

import json
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as xml

import emu_test
from emu_test import record, refused
from harness import FPTRACE, check, compile_c, need, run


def fptrace(*argv, expect=0, **how):
    outcome = run([FPTRACE, *argv], timeout=200, **how)
    check(outcome.status == expect, f"{argv}: {outcome}")
    return outcome


def json_lines(outcome):
    return [json.loads(line) for line in outcome.stdout.splitlines()]


# Two threads and a child, each of which is there when the main thread says so.
CROWD = r"""
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
static int from_thread[2], to_child[2];
static void *second(void *x) {
  prctl(PR_SET_NAME, "second");
  char c;
  write(from_thread[1], "x", 1);
  read(to_child[0], &c, 1);
  return x;
}
int main(void) {
  pthread_t thread;
  char c;
  pipe(from_thread), pipe(to_child);
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NAME, "child");
    write(from_thread[1], "x", 1);
    read(to_child[0], &c, 1);
    _exit(0);
  }
  pthread_create(&thread, 0, second, 0);
  read(from_thread[0], &c, 1), read(from_thread[0], &c, 1);
  for (volatile int i = 0; i < 20000000; ++i) {}
  write(to_child[1], "xx", 2);
  pthread_join(thread, 0);
  waitpid(child, 0, 0);
  return 0;
}
"""


def ps_tells_the_processes(scratch, mode):
    program = compile_c(scratch, "crowd", CROWD, "-pthread")
    record(scratch, [program, "an argument"], expect=0, cwd=scratch.work())
    path = scratch.dir / "a.fpr"
    middle = fptrace("ps", "--json", "--threads", "--at", "50%", path)
    rows = {row["comm"]: row for row in json_lines(middle)}
    crowd, child, init = rows["crowd"], rows["child"], json_lines(middle)[0]
    check(init["pid"] == 1 and init["ppid"] == 0, f"{init}")
    check(crowd["argv"] == [str(program), "an argument"] and crowd["exe"] == str(program), f"{crowd}")
    check(crowd["cwd"] == str(scratch.dir / "work"), f"{crowd}")
    check(crowd["state"] == "R" and child["state"] == "S", f"{crowd}\n{child}")
    check(child["ppid"] == crowd["pid"] and child["threads"] == 1, f"{child}")
    check([t["comm"] for t in crowd["thread_list"]] == ["crowd", "second"], f"{crowd}")
    check(rows["kthreadd"]["kernel_thread"], f"{rows['kthreadd']}")
    check(middle.stdout == fptrace("ps", "--json", "--threads", "--at", "50%", path).stdout, "differ")
    begin = fptrace("ps", path).stdout.decode()
    check(begin.startswith("PID ") and "crowd" not in begin, begin)
    end = {row["comm"] for row in json_lines(fptrace("ps", "--json", "--at", "end", path))}
    check("init" in end and not end & {"crowd", "child"}, f"{end}")
    counted = json_lines(fptrace("ps", "--json", "--at", "20000000", path))
    check({row["comm"] for row in counted} >= {"crowd", "child"}, f"{counted}")
    late = run([FPTRACE, "ps", "--at", "999999999999", path], timeout=200)
    refused(late, "the program ended after", "--at")


def ps_tells_this_hosts(scratch, mode):
    with subprocess.Popen(["sleep", "1000"], cwd=scratch.dir) as sleep:
        try:
            rows = {row["pid"]: row for row in json_lines(fptrace("ps", "--json"))}
            check(rows[sleep.pid]["argv"] == ["sleep", "1000"], f"{rows[sleep.pid]}")
            check(rows[sleep.pid]["cwd"] == str(scratch.dir), f"{rows[sleep.pid]}")
            check(f"\n{sleep.pid} " in fptrace("ps").stdout.decode(), "the table")
        finally:
            sleep.kill()


SPINS = r"""
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
static void spin(const char *name, int n) {
  prctl(PR_SET_NAME, name);
  for (volatile int i = 0; i < n; ++i) {}
}
int main(void) {
  if (fork() == 0) spin("short", 1000000), _exit(0);
  wait(0);
  if (fork() == 0) spin("long", 4000000), _exit(0);
  wait(0);
  return 0;
}
"""


def timeline_shows_who_ran(scratch, mode):
    record(scratch, [compile_c(scratch, "spins", SPINS)], expect=0)
    path = scratch.dir / "a.fpr"
    printed = fptrace("replay", "--timeline", "--json", path)
    rows = {row["names"][-1]: row for row in json_lines(printed) if row["kind"] == "process"}
    short, long = rows["short"], rows["long"]
    ratio = long["instructions"] / short["instructions"]
    check(3 < ratio < 4.5, f"4 times as long: {ratio}")
    check(short["spans"][-1][1] <= long["spans"][0][0], "one after the other")
    spans = sorted(span for row in json_lines(printed) for span in row["spans"])
    check(all(a[1] == b[0] for a, b in zip(spans, spans[1:])), "gaps, or two at a time")
    check(printed.stdout == fptrace("replay", "--timeline", "--json", path).stdout, "differ")
    text = fptrace("replay", "--timeline", path).stdout.decode()
    check(re.search(r"^\d+ +spins, long +\d+\.\d % \|", text, re.M), text)
    svg = scratch.dir / "t.svg"
    fptrace("replay", f"--timeline={svg}", path)
    drawn = xml.parse(svg).getroot()
    titles = [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}title")]
    check(any("spins, long" in t for t in titles), f"{titles}")


def calls_are_told(scratch, mode):
    source = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static void nothing(int s) { (void)s; }
int main(void) {
  char b[100];
  struct sigaction action = {.sa_handler = nothing};
  int fd = open("/etc/passwd", O_RDONLY);
  (void)!read(fd, b, 4);
  open("/no/such\nfile", O_RDWR | O_CREAT, 0640);
  (void)!write(1, "hello\n", 6);
  sigaction(SIGALRM, &action, 0);
  alarm(1);
  pause();
  if (fork() == 0) _exit(3);
  wait(0);
  _exit(7);
}
"""
    program = compile_c(scratch, "calls", source)
    recorded = record(scratch, [program], "--include", "/etc/passwd", expect=7)
    path = scratch.dir / "a.fpr"
    text = fptrace("replay", "--syscalls", path, expect=7).stdout.decode()
    with open("/etc/passwd", "rb") as passwd:
        first = passwd.read(4).decode()
    for pattern in (rf'^\d+ calls openat\(AT_FDCWD, "/etc/passwd", O_RDONLY\) = 3$',
                    rf'^\d+ calls read\(3, "{first}", 4\) = 4$',
                    r'^\d+ calls openat\(AT_FDCWD, "/no/such\\nfile", O_RDWR\|O_CREAT, 0640\) = -1 ENOENT$',
                    r'^\d+ calls write\(1, "hello\\n", 6\) = 6$',
                    r"^\d+ calls pause\(\) = \? \(interrupted\)$",
                    r"^\d+ calls rt_sigreturn\(\) = ",
                    r"^\d+ calls exit_group\(3\) = \?$", r"^\d+ calls exit_group\(7\) = \?$",
                    r'^\d+ \S+ execve\("[^"]*calls", \["[^"]*calls"\], \[\d+ strings\]\) = 0$'):
        check(len(re.findall(pattern, text, re.M)) == 1, f"{pattern}\n{text}")
    check("hello\n" not in text.replace("\\n", ""), "the program's output is in it")
    lines = scratch.dir / "calls.txt"
    silent = fptrace("replay", f"--syscalls={lines}", path, expect=7)
    check(silent.stdout == recorded.stdout, f"{silent}")
    check(lines.read_text() == text, "a file has something else")
    rows = json_lines(fptrace("replay", "--syscalls", "--json", path, expect=7))
    check(len(rows) == text.count("\n"), "JSON has another number of lines")
    missing = next(r for r in rows if r.get("error") == "ENOENT" and r["call"] == "openat")
    check(missing["result"] == -2 and len(missing["raw"]) == 6, f"{missing}")
    check(all(r["instructions"][0] <= r["instructions"][1] for r in rows), "ends before it begins")


TWO_FUNCTIONS = r"""
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) int used(int n) { return n > 0 ? used(n - 1) + 1 : 0; }
__attribute__((noinline)) int unused(int n) { return n * 3 + 1; }
int main(int n, char **v) { return n > 1 ? unused(n) : used(5); }
"""


def read_drcov(path):
    """Modules and blocks, read as its description says (not as we write it)."""
    data = path.read_bytes()
    head, _, rest = data.partition(b"BB Table: ")
    lines = head.decode().splitlines()
    check(lines[:2] == ["DRCOV VERSION: 2", "DRCOV FLAVOR: drcov"], f"{lines[:2]}")
    count = int(re.fullmatch(r"Module Table: version 2, count (\d+)", lines[2])[1])
    check(lines[3] == "Columns: id, base, end, entry, path", lines[3])
    modules = []
    for line in lines[4:]:
        number, base, end, _, name = line.split(", ", 4)
        check(int(number) == len(modules), line)
        modules.append((int(base, 16), int(end, 16), name))
    check(len(modules) == count, f"{count} modules?")
    number, _, blocks = rest.partition(b" bbs\n")
    check(len(blocks) == 8 * int(number), f"{number} blocks?")
    return modules, [struct.unpack_from("<IHH", blocks, at) for at in range(0, len(blocks), 8)]


def symbols(program):
    out = subprocess.run(["nm", program], capture_output=True, check=True).stdout.decode()
    return {name: int(at, 16) for at, _, name in re.findall(r"^([0-9a-f]+) (\w) (\S+)$", out, re.M)}


def coverage_has_what_ran(scratch, mode):
    need("nm")
    program = compile_c(scratch, "covered", TWO_FUNCTIONS)
    record(scratch, ["sh", "-c", f"{program}; {program} x; true"], "--include", program, expect=0)
    path, out = scratch.dir / "a.fpr", scratch.dir / "coverage"
    fptrace("replay", "--coverage", out, path)
    files = sorted(out.iterdir())
    own = [f for f in files if f.name.endswith("-covered.drcov")]
    check(len(files) == 3 and len(own) == 2, f"{files}")
    at = symbols(program)
    ran = []
    for file in own:
        modules, blocks = read_drcov(file)
        number = next(i for i, m in enumerate(modules) if m[2] == str(program))
        check(any("libc.so.6" in m[2] for m in modules), f"{modules}")
        for offset, size, module in blocks:
            base, end, _ = modules[module]
            check(0 < size and base + offset + size <= end, f"outside of {modules[module]}")
        starts = {offset for offset, _, module in blocks if module == number}
        ran.append((at["used"] in starts, at["unused"] in starts, at["main"] in starts))
    check(ran == [(True, False, True), (False, True, True)], f"{ran}")
    fptrace("replay", "--coverage", scratch.dir / "again", path)
    for file in files:
        check(file.read_bytes() == (scratch.dir / "again" / file.name).read_bytes(), f"{file} differs")
    refused(run([FPTRACE, "replay", "--coverage", out, path]), "there already")
    refused(run([FPTRACE, "replay", "--coverage", "/no/such/place", path]), "no directory /no/such")


FINDS = r"""
#include <string.h>
#include <unistd.h>
#define N 9
static char needle[16], copy[16];
__attribute__((noinline)) void make(void) {
  for (volatile int i = 0; i < N; ++i) needle[i] = (char)("BCDEFGHIJ"[i] ^ 0x20);
}
__attribute__((noinline)) int look(void) {
  int sum = 0;
  for (volatile int i = 0; i < N; ++i) sum += ((volatile char *)needle)[i];
  return sum;
}
int main(void) {
  make();
  int sum = look() + look() + look();
  (void)!write(1, needle, N);
  return sum == 0;
}
"""


def find_names_who_touched_it(scratch, mode):
    need("nm")
    program = compile_c(scratch, "finds", FINDS, "-O1", "-fno-tree-vectorize")
    record(scratch, [program], expect=0)
    path = scratch.dir / "a.fpr"
    printed = fptrace("replay", "--find", "bcdefghij", "--json", path)
    hits = json_lines(printed)
    at, ends = symbols(program), {}
    names = sorted((v, k) for k, v in at.items())
    for (start, name), (end, _) in zip(names, names[1:]):
        ends[name] = end

    def by(function, access):
        return [h for h in hits if h["code"] == "user" and h["access"] == access and
                h["stack"] and h["stack"][0].get("object") == str(program) and
                at[function] <= h["stack"][0]["offset"] < ends[function]]

    made, looked = by("make", "write"), by("look", "read")
    check([h["hits"] for h in made] == [1], f"{made}")
    check([h["hits"] for h in looked] == [3], f"{looked}")
    check(made[0]["comm"] == "finds" and made[0]["pid"] == looked[0]["pid"], f"{made}")
    check(made[0]["address"] == looked[0]["address"] and made[0]["physical"] == looked[0]["physical"],
          f"{made}\n{looked}")
    caller = looked[0]["stack"][1]
    check(caller["object"] == str(program) and at["main"] <= caller["offset"] < ends["main"], f"{looked}")
    kernel = [h for h in hits if h["code"] == "kernel" and h["comm"] == "finds"]
    check(any(h["stack"] and "libc.so.6" in h["stack"][0].get("object", "") for h in kernel),
          f"write(2) is not there: {kernel}")
    check(printed.stdout == fptrace("replay", "--find", "bcdefghij", "--json", path).stdout, "differ")
    text = fptrace("replay", "--find", "hex:626364656667", "--find-in", "user", path).stdout.decode()
    check("the kernel" not in text and f"read 3 times by {program}+0x" in text, text)
    few = fptrace("replay", "--find", "bcdefghij", "--find-places", "1", path)
    check(few.stdout.count(b"first at") == 1 and b"more place" in few.stderr, f"{few}")
    nothing = fptrace("replay", "--find", "not to be found anywhere", path)
    check(nothing.stdout == b"0 hits at 0 places\n", f"{nothing}")


SECRET = "aBraCadaBra" * 3


def dumps_are_readable(scratch, mode):
    need("readelf", "gdb")
    program = compile_c(scratch, "holds", r"""
#include <string.h>
int main(int n, char **v) {
  static char held[100];
  for (size_t i = 0; v[1][i]; ++i) held[i] = (char)(v[1][i] ^ 0x20);
  for (volatile int i = 0; i < 5000000; ++i) {}
  memset(held, 0, sizeof held);
  return held[n] != 0;
}
""")
    record(scratch, [program, SECRET.swapcase()], expect=0)
    path, raw, core = scratch.dir / "a.fpr", scratch.dir / "raw", scratch.dir / "core"
    for at, is_there in (("begin", False), ("50%", True)):
        fptrace("replay", "--dump", raw, "--at", at, "--dump-format", "raw", path)
        found = subprocess.run(["grep", "-c", "--text", SECRET, raw], capture_output=True)
        check((found.returncode == 0) == is_there, f"at {at}: {found}")
    fptrace("replay", "--dump", core, "--at", "50%", path)
    shown = subprocess.run(["readelf", "-lnW", core], capture_output=True, check=True)
    check(b"VMCOREINFO" in shown.stdout and b"LOAD" in shown.stdout, f"{shown}")
    check(not shown.stderr, f"{shown}")
    # The kernel says where its own name lies; gdb reads it there.
    with open(core, "rb") as file:
        head = file.read(65536).decode("latin-1")
    number = lambda what: int(re.search(re.escape(what) + r"=([0-9a-fx]+)", head)[1], 16)
    system = number("SYMBOL(init_uts_ns)")
    read = subprocess.run(["gdb", "-nx", "-batch", "-ex", f"find /b {system:#x}, +64, 'L', 'i', 'n', 'u', 'x'",
                           "-ex", "x/s $_", "-ex", "info registers rip", "-c", core],
                          capture_output=True)
    check(b'"Linux"' in read.stdout and b"rip" in read.stdout, f"{read}")
    length = raw.stat().st_size
    loads = re.findall(r"LOAD +0x\w+ 0x\w+ 0x0+ 0x(\w+)", shown.stdout.decode())
    check(int(loads[-1], 16) == length, f"{loads} {length}")
    refused(run([FPTRACE, "replay", "--dump", "/no/such/dump", path]), "/no/such")
    late = run([FPTRACE, "replay", "--dump", scratch.dir / "late", "--at", "999999999999", path], timeout=200)
    refused(late, "the program ended after")
    check(not list(scratch.dir.glob("late*")), "a late dump was left")


def recordings_are_logs(scratch, mode):
    record(scratch, ["sh", "-c", "cat /etc/passwd >/dev/null; exit 3"], "--include", "/bin/cat",
           "--include", "/etc/passwd", expect=3)
    path, log = scratch.dir / "a.fpr", scratch.dir / "a.fplog"
    fptrace("replay", "-q", "-l", log, path, expect=3)
    for command in (["log", "--json"], ["log"], ["tree"], ["tree", "--json"], ["files", "--json"],
                    ["manifest"], ["log", "--info", "--filter", "type=open", "--json"]):
        of_log, of_recording = fptrace(*command, log), fptrace(*command, path)
        ours, its = of_recording.stdout, of_log.stdout
        if "--info" in command:
            ours, its = (re.sub(rb'"(bytes|chunks)":\d+', b"", x) for x in (ours, its))
        check(ours == its and its, f"{command}: {ours[:500]}\n{its[:500]}")
    (scratch.dir / "cut.fpr").write_bytes(path.read_bytes()[:-100])
    for command in ("log", "tree", "manifest", "files"):
        refused(run([FPTRACE, command, scratch.dir / "cut.fpr"]), "cut short")


def everything(out):
    """Options for all that can be told at once, into a new directory; but the manifest."""
    out.mkdir()
    return ["-q", "-l", out / "log.fplog", f"--timeline={out}/t.json", f"--syscalls={out}/calls",
            "--coverage", out / "code", "--find", "spins"]


def contents(out):
    return {f.relative_to(out): f.read_bytes() for f in sorted(out.rglob("*")) if f.is_file()}


def all_in_one_replay(scratch, mode):
    program = compile_c(scratch, "spins", SPINS)
    record(scratch, [program], expect=0)
    path = scratch.dir / "a.fpr"

    def replay(name):
        out = scratch.dir / name
        return fptrace("replay", *everything(out), "-o", out / "m.json", path), contents(out)

    found, files = replay("one")
    again, same = replay("two")
    check(found.stdout == again.stdout and b"hits at" in found.stdout, f"{found}\n{again}")
    check(files.keys() == same.keys() and len(files) == 7, f"{files.keys()}")
    for name, content in files.items():
        check(content == same[name] and content, f"{name} differs")
    alone = scratch.dir / "alone.json"
    fptrace("replay", "-q", "-o", alone, path)
    check(alone.read_bytes() == (scratch.dir / "one" / "m.json").read_bytes(), "verbs change the manifest")


def covered(file):
    modules, blocks = read_drcov(file)
    return {(modules[module][2], at) for offset, size, module in blocks for at in range(offset, offset + size)}


def a_recording_is_traced_live(scratch, mode):
    live, after = scratch.dir / "live", scratch.dir / "after"
    program = compile_c(scratch, "spins", SPINS)
    traced = record(scratch, ["sh", "-c", f"{program}; echo said >&2; exit 3"], "--include", program, "--live",
                    *everything(live), "--manifest-output", live / "m.json", expect=3)
    found = fptrace("replay", *everything(after), "-o", after / "m.json", scratch.dir / "a.fpr", expect=3)
    check(traced.stdout == found.stdout and b"hits at" in found.stdout, f"{traced}\n{found}")
    for name in ("m.json", "t.json", "calls"):
        ours, its = (out / name for out in (live, after))
        check(ours.read_bytes() == its.read_bytes() and ours.stat().st_size > 0, f"{name} differs")
    events = [fptrace("log", out / "log.fplog").stdout for out in (live, after)]
    check(events[0] == events[1] and b"spins" in events[0], f"{events}")
    # QEMU cuts code into blocks as time passes, which a recording does not know in advance.
    files = sorted(f.name for f in (live / "code").iterdir())
    check(len(files) == 4, f"{files}")
    for name in files:
        check(covered(live / "code" / name) == covered(after / "code" / name), f"{name} differs")


def live_says_what_it_writes(scratch, mode):
    outcome = record(scratch, ["sh", "-c", "echo out; exit 3"], "--live", expect=3)
    said = outcome.stderr.decode()
    check(outcome.stdout == b"out\n" and "exit 3" in said and "recorded to " in said, f"{outcome}")
    manifest = json.loads((scratch.dir / "elsewhere" / "fptrace.manifest.json").read_bytes())
    check(manifest["command"]["exit"] == {"code": 3}, f"{manifest['command']}")
    path, log, there = scratch.dir / "none.fpr", scratch.dir / "none.fplog", scratch.work()
    for argv, status in ((["--live", "--log", log, "--", "/no/such"], 127),
                         (["--live", "--log", log, "--timeout", "1", "--", "sleep", "600"], 125),
                         (["--syscalls", "--", "true"], 2), (["--log", log, "--", "true"], 2),
                         (["--live", "--log", path, "--", "true"], 2),
                         (["--live", "--find", "", "--", "true"], 2)):
        outcome = run([FPTRACE, "record", "-o", path, *argv], timeout=200, cwd=there)
        check(outcome.status == status and not path.exists(), f"{argv}: {outcome}")
    check(not list(there.iterdir()), f"left: {list(there.iterdir())}")


def a_trace_keeps_its_recording(scratch, mode):
    kept, there = scratch.dir / "kept.fpr", scratch.work()
    traced = ["--backend", "emu", "-q", "--no-manifest", "--keep"]
    for live in ([], ["--live"]):
        fptrace(*live, *traced, kept, "--", "sh", "-c", "exit 5", cwd=there, expect=5)
        fptrace("replay", kept, expect=5)
        kept.unlink()
        refused(run([FPTRACE, *live, *traced, "/no/such/a.fpr", "--", "sh", "-c", "echo ran >&2"], cwd=there),
                "write /no/such/a.fpr")


def bad_input(scratch, mode):
    path = scratch.dir / "a.fpr"
    path.write_bytes(b"#!/bin/sh\n")
    for argv in (["ps", "--at", "middle", path], ["ps", "--at", "101%", path], ["ps", "--at", "5"],
                 ["ps", path, path], ["replay", "--at", "5", path], ["replay", "--dump-format", "raw", path],
                 ["replay", "--dump", "x", "--at", "-5", path], ["replay", "--dump-format", "x", path],
                 ["replay", "--dump", "x", "--timeline", path], ["replay", "--find", "", path],
                 ["replay", "--find", "hex:0", path], ["replay", "--find-in", "user", path],
                 ["replay", "--find", "x", "--find-in", "x", path],
                 ["replay", "--find", "x", "--find-places", "0", path],
                 ["replay", "--find", "x", "--timeline", path], ["replay", "--timeline"]):
        outcome = run([FPTRACE, *argv])
        check(outcome.status == 2, f"{argv}: {outcome}")
    missing = scratch.dir / "none.fpr"
    for argv in (["ps"], ["replay", "--timeline"], ["replay", "--syscalls"], ["replay", "--find", "x"],
                 ["replay", "--coverage", scratch.dir / "c"], ["replay", "--dump", scratch.dir / "d"]):
        refused(run([FPTRACE, *argv, path]), "a.fpr", "no recording")
        refused(run([FPTRACE, *argv, missing]), "none.fpr", "No such file")
    refused(run([FPTRACE, "replay", "--timeline=/no/such/t.svg", path]), "/no/such")
    left = [p.name for p in scratch.dir.iterdir() if p.name not in ("a.fpr", "work")]
    check(not left, f"left: {left}")


def main():
    return emu_test.main_with_image({f.__name__: f for f in (
        ps_tells_the_processes, ps_tells_this_hosts, timeline_shows_who_ran, calls_are_told,
        coverage_has_what_ran, find_names_who_touched_it, dumps_are_readable, recordings_are_logs,
        all_in_one_replay, a_recording_is_traced_live, live_says_what_it_writes,
        a_trace_keeps_its_recording, bad_input)})


if __name__ == "__main__":
    sys.exit(main())
