#!/usr/bin/env python3
"""Labels followed through recordings in a virtual machine: what is known beforehand must come out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import emu_test
import harness
from emu_test import record
from harness import FPTRACE, check, compile_c, need, run

GUEST = Path(__file__).resolve().parent.parent / "guest"


class Report:
    """What `fptrace taint --json` says, in words that a case can compare."""

    def __init__(self, text):
        self.text = text
        self.json = json.loads(text)

    def bytes_of(self, ranges):
        """{(source's last name, byte)}; byte None for a source with one label."""
        out = set()
        for r in ranges:
            source = self.json["sources"][r["source"]]
            name = source["name"].rsplit("/", 1)[-1] or source["origin"]
            out |= {(name, i) for i in range(r["first"], r["last"] + 1)} if "first" in r else {(name, None)}
        return out

    def output(self, name):
        """{byte of the output: {(source, byte)}}."""
        out = {}
        for flow in self.json["flows"]:
            if self.json["outputs"][flow["output"]]["name"].rsplit("/", 1)[-1] != name:
                continue
            for at in range(flow["first"], flow["last"] + 1):
                if flow["positional"]:
                    r = flow["from"][0]
                    byte = r["first"] + at - flow["first"]
                    out[at] = self.bytes_of([dict(r, first=byte, last=byte)])
                else:
                    out[at] = self.bytes_of(flow["from"])
        return out

    def programs(self):
        """{name of a program: {(source, byte)} that its processes had}."""
        out = {}
        for p in self.json["processes"]:
            out.setdefault(p["program"].rsplit("/", 1)[-1], set()).update(self.bytes_of(p["from"]))
        return out

    def uses(self, kind, symbol):
        return [u for u in self.json["uses"]
                if u["use"] == kind and u.get("symbol", "").split("+")[0] == symbol]

    def answers(self):
        """[(length, labels)] of what programs asked."""
        return [(q["length"], {byte for _, byte in self.bytes_of(q["from"])})
                for q in self.json["queries"]]

    def unmodelled(self):
        return {u["mnemonic"]: u["tainted"] for u in self.json["unmodelled"] if u["tainted"]}


def taint(scratch, *options, name="a.fpr", status=0):
    outcome = run([FPTRACE, "taint", scratch.dir / name, "--json", *options], timeout=250)
    check(outcome.status == status, f"taint {options}: {outcome}")
    return Report(outcome.stdout) if status == 0 else outcome


def one_to_one(report, output, source, size, at=0):
    got = report.output(output)
    expected = {at + i: {(source, i)} for i in range(size)}
    wrong = {i: got.get(i) for i in expected if got.get(i) != expected[i]}
    check(not wrong and len(got) == size, f"{output}: {len(got)} bytes, wrong: {harness.shorten(wrong)}")


def whole(*programs):
    """Options that take programs, and what they are linked with, along."""
    found = [shutil.which(p) for p in programs]
    check(all(found), f"one of {programs} is missing")
    out = []
    for path in found:
        linked = run(["ldd", path]).stdout.decode().split()
        for part in [path, *(word for word in linked if word.startswith("/"))]:
            out += ["--include", part, "--include", os.path.realpath(part)]
    return out


def secret(scratch, size=1000):
    work = scratch.work()
    text = bytes(97 + (i * 7 + i // 26) % 26 for i in range(size))
    (work / "secret").write_bytes(text)
    return work, text


def pipeline_of_three(scratch, mode):
    need("gzip", "tr", "cat")
    work, _ = secret(scratch)
    record(scratch, ["sh", "-c", "cat secret | tr a-z A-Z | gzip > out.gz"], *whole("cat", "tr", "gzip"),
           "--include", work, cwd=work, expect=0)
    report = taint(scratch, "--taint-file", "secret")
    programs = report.programs()
    for name in ("cat", "tr", "gzip"):
        check(programs.get(name), f"{name} is not named: {programs.keys()}")
    out = report.output("out.gz")
    check(out, "no byte of out.gz has labels")
    reached = set().union(*out.values())
    check(reached == {("secret", i) for i in range(1000)}, f"only {len(reached)} bytes of secret got there")
    text = run([FPTRACE, "taint", scratch.dir / "a.fpr", "--taint-file", "secret"], timeout=250).stdout.decode()
    check("out.gz" in text and "secret[0..999]" in text, text)
    return f"unmodelled with labels: {report.unmodelled() or 'none'}"


COPIES = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>
enum { kSize = 600 };
static char buffer[kSize];
int main(int argc, char** argv) {
  const char* how = argv[1];
  int in = open("in.bin", O_RDONLY), out = open("out.bin", O_RDWR | O_CREAT | O_TRUNC, 0644), p[2];
  if (argc != 2 || in < 0 || out < 0 || pipe(p) != 0) return 1;
  if (!strcmp(how, "read")) return read(in, buffer, kSize) != kSize || write(out, buffer, kSize) != kSize;
  if (!strcmp(how, "pread")) return pread(in, buffer, kSize, 0) != kSize || pwrite(out, buffer, kSize, 0) != kSize;
  if (!strcmp(how, "readv")) {
    struct iovec v[2] = {{buffer + 300, 100}, {buffer, 300}};
    if (readv(in, v, 2) != 400 || readv(in, v, 1) != 100) return 1;
    return write(out, buffer, 400) != 400;
  }
  if (!strcmp(how, "mmap")) {
    const char* m = mmap(0, kSize, PROT_READ, MAP_PRIVATE, in, 0);
    if (ftruncate(out, kSize) != 0) return 1;
    char* o = mmap(0, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
    memcpy(o, m, kSize);
    return 0;
  }
  if (!strcmp(how, "sendfile")) return sendfile(out, in, 0, kSize) != kSize;
  if (!strcmp(how, "copy_file_range")) return copy_file_range(in, 0, out, 0, kSize, 0) != kSize;
  if (!strcmp(how, "splice"))
    return splice(in, 0, p[1], 0, kSize, 0) != kSize || splice(p[0], 0, out, 0, kSize, 0) != kSize;
  if (!strcmp(how, "pipe")) {
    if (fork() == 0) {
      close(p[1]);
      for (ssize_t n; (n = read(p[0], buffer, 64)) > 0;)
        if (write(out, buffer, (size_t)n) != n) return 1;
      return 0;
    }
    return read(in, buffer, kSize) != kSize || write(p[1], buffer, kSize) != kSize;
  }
  if (!strcmp(how, "stdout")) return read(in, buffer, kSize) != kSize || write(1, buffer, kSize) != kSize;
  if (!strcmp(how, "send_out")) return sendfile(1, in, 0, kSize) != kSize;
  if (!strcmp(how, "stdin")) return read(0, buffer, kSize) < 1 || write(out, buffer, kSize) != kSize;
  return 2;
}
"""


def copies_of(scratch, ways, how, output, **kwargs):
    work = scratch.work()
    program = compile_c(scratch, "copies", COPIES)
    (work / "in.bin").write_bytes(bytes(i % 251 for i in range(600)))
    for way in ways:
        record(scratch, [program, way], "--include", work, cwd=work, expect=0, **kwargs)
        report = taint(scratch, *how)
        if way == "readv":
            got = report.output(output)
            # The first 100 bytes went to 300, the next 300 to 0, the last 100 to 300 again.
            expected = {i: {("in.bin", 100 + i)} for i in range(300)} | {300 + i: {("in.bin", 400 + i)} for i in range(100)}
            check(got == expected, f"readv: {harness.shorten(got)}")
        else:
            try:
                one_to_one(report, output, "in.bin" if "--taint-file" in how else "stdin", 600)
            except harness.Failure as failure:
                raise harness.Failure(f"{way}: {failure}") from None


def ways_to_read(scratch, mode):
    copies_of(scratch, ("read", "pread", "readv", "mmap"), ("--taint-file", "in.bin"), "out.bin")


def ways_in_the_kernel(scratch, mode):
    copies_of(scratch, ("sendfile", "copy_file_range", "splice"), ("--taint-file", "in.bin"), "out.bin")


def pipes_and_streams(scratch, mode):
    copies_of(scratch, ("pipe",), ("--taint-file", "in.bin"), "out.bin")
    copies_of(scratch, ("stdout", "send_out"), ("--taint-file", "in.bin"), "standard output")


def standard_input(scratch, mode):
    copies_of(scratch, ("stdin",), ("--taint-stdin",), "out.bin", stdin=bytes(i % 251 for i in range(600)))
    work = scratch.work()
    (work / "in.bin").write_bytes(bytes(i % 251 for i in range(600)))
    # Open before the program began.
    with open(work / "in.bin", "rb") as file:
        recorded = subprocess.run([FPTRACE, "record", "-o", scratch.dir / "a.fpr", "--", scratch.dir / "copies", "stdin"],
                                  cwd=work, stdin=file, capture_output=True, timeout=emu_test.PATIENCE)
    check(recorded.returncode == 0, f"{recorded}")
    one_to_one(taint(scratch, "--taint-file", "in.bin"), "out.bin", "in.bin", 600)


HYPERCALLS = r"""
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "taint_guest.h"
static void ask(const void* at, size_t size) { taint_say(kTaintQuery, (uint64_t)at, size, 0, 0); }
static char from[100], to[100];
int main(void) {
  /* Eax=10, Ebx=20, Ecx=30. */
  unsigned a[3] = {1, 2, 3}, sums[3];
  taint_label(&a[0], 4, 10, 0);
  taint_label(&a[1], 4, 20, 0);
  taint_label(&a[2], 4, 30, 0);
  __asm__ volatile("movl %3,%%eax\n movl %4,%%ebx\n movl %5,%%ecx\n addl %%eax,%%ebx\n addl %%ebx,%%ecx\n"
                   "movl %%eax,%0\n movl %%ebx,%1\n movl %%ecx,%2\n"
                   : "=m"(sums[0]), "=m"(sums[1]), "=m"(sums[2]) : "m"(a[0]), "m"(a[1]), "m"(a[2])
                   : "eax", "ebx", "ecx", "cc");
  ask(&sums[0], 4), ask(&sums[1], 4), ask(&sums[2], 4);
  /* Every second byte of a text. */
  char text[] = "Hello world";
  taint_label(text, 11, 0, 1);
  volatile unsigned sum = 0;
  for (int i = 0; i < 11; i += 2) sum += (unsigned char)text[i];
  ask((const void*)&sum, 4);
  /* 100 bytes by memcpy and a pipe to a child. */
  int p[2];
  for (int i = 0; i < 100; ++i) from[i] = (char)i;
  taint_label(from, 100, 100, 1);
  memcpy(to, from, 100);
  if (pipe(p) != 0 || write(p[1], to, 100) != 100) return 1;
  if (fork() == 0) {
    char mine[100];
    if (read(p[0], mine, 100) != 100) return 1;
    ask(mine, 100);
    return 0;
  }
  wait(0);
  /* What is overwritten has none. */
  memset(to, 0, 100);
  ask(to, 100);
  return 0;
}
"""


def known_results(scratch, mode):
    program = compile_c(scratch, "known", HYPERCALLS, f"-I{GUEST}")
    record(scratch, [program], expect=0)
    report = taint(scratch)
    answers = report.answers()
    expected = [(4, {10}), (4, {10, 20}), (4, {10, 20, 30}), (4, {0, 2, 4, 6, 8, 10}),
                (100, set(range(100, 200))), (100, set())]
    check(answers == expected, f"{answers}")
    child = report.json["queries"][4]
    check(child["positional"], f"not byte by byte: {child}")


def block_ciphers(scratch, mode):
    need("openssl")
    work, text = secret(scratch, 64)
    crypt = "openssl enc -e -nosalt -nopad -K 000102030405060708090a0b0c0d0e0f"
    script = f"{crypt} -aes-128-ecb -in secret -out ecb.bin; {crypt} -aes-128-cbc -iv 00 -in secret -out cbc.bin"
    record(scratch, ["sh", "-c", script], *whole("openssl"), "--include", work, "--include", "/etc/ssl/openssl.cnf",
           cwd=work, expect=0)
    report = taint(scratch, "--taint-file", "secret")
    ecb, cbc = report.output("ecb.bin"), report.output("cbc.bin")
    for i in range(64):
        block = i // 16 * 16
        check(ecb.get(i) == {("secret", b) for b in range(block, block + 16)}, f"ecb[{i}]: {ecb.get(i)}")
        check(cbc.get(i) == {("secret", b) for b in range(block + 16)}, f"cbc[{i}]: {cbc.get(i)}")
    return f"unmodelled with labels: {report.unmodelled() or 'none'}"


BRANCHES = r"""
#include <stdio.h>
__attribute__((noinline)) int count(FILE* f) {
  int n = 0, c;
  while ((c = fgetc(f)) != EOF)
    if (c == 'a') ++n;
  return n;
}
int main(void) {
  FILE* f = fopen("secret", "r");
  return f ? count(f) == 0 : 1;
}
"""


def branches(scratch, mode):
    work, text = secret(scratch, 100)
    program = compile_c(scratch, "branches", BRANCHES, "-g", "-fno-if-conversion", "-fno-if-conversion2")
    record(scratch, [program], "--include", work, cwd=work, expect=0)
    report = taint(scratch, "--taint-file", "secret")
    uses = report.uses("branch", "count")
    reached = set().union(*(report.bytes_of(u["from"]) for u in uses)) if uses else set()
    check(reached == {("secret", i) for i in range(100)}, f"{uses}")
    check(any(u.get("source_file", "").endswith("branches.c") and u["line"] in (5, 6) for u in uses), f"{uses}")


def across_processes(scratch, mode):
    need("cat", "wc")
    work, _ = secret(scratch, 300)
    record(scratch, ["sh", "-c", "cat secret | wc -l"], *whole("cat", "wc"), "--include", work, cwd=work, expect=0)
    programs = taint(scratch, "--taint-file", "secret").programs()
    check(programs.get("wc") and programs.get("cat"), f"{programs.keys()}")


def same_report(scratch, mode):
    work, _ = secret(scratch)
    record(scratch, ["sh", "-c", "cat secret | tr a-z A-Z > out"], *whole("cat", "tr"), "--include", work, cwd=work,
           expect=0)
    reports = {taint(scratch, "--taint-file", "secret").text for _ in range(5)}
    check(len(reports) == 1, f"{len(reports)} different reports of 5")


def from_a_log(scratch, mode):
    work, _ = secret(scratch)
    record(scratch, ["cp", "secret", "copy"], *whole("cp"), "--include", work, cwd=work, expect=0)
    log = scratch.dir / "a.fplog"
    exact = taint(scratch, "--taint-file", "secret", "--log", str(log))
    check(taint(scratch, name="a.fplog").json == exact.json, "the log tells something else")
    one_to_one(exact, "copy", "secret", 1000)
    traced = run([FPTRACE, "run", "-q", "--no-manifest", "-l", scratch.dir / "b.fplog", "--", "cp", "secret", "copy"],
                 cwd=work)
    if traced.status != 125:  # ptrace may not be allowed here
        coarse = taint(scratch, name="b.fplog").json
        check(coarse["coarse"], "not marked as coarse")
        output = [o for o in coarse["outputs"] if o["name"].endswith("/copy")]
        names = [coarse["sources"][f["source"]]["name"] for o in output for f in o["from"]]
        check(any(n.endswith("/secret") for n in names), f"{coarse}")


def arguments_and_environment(scratch, mode):
    work = scratch.work()
    env = dict(os.environ, TOKEN="sesame")
    record(scratch, ["sh", "-c", "echo $TOKEN $1 > out", "zero", "friend"], "--include", work, cwd=work, env=env,
           expect=0)
    # A shell looks each character up in its tables, and where it stands says what it is.
    report = taint(scratch, "--taint-env", "TOKEN", "--taint-arg", "4", "--taint-arg", "9", "--policy", "data")
    out = report.output("out")
    expected = {i: {("TOKEN", i)} for i in range(6)} | {7 + i: {("4", i)} for i in range(6)}
    check({i: out.get(i) for i in expected} == expected, f"{out}")
    check(any("argument 9" in n["detail"] for n in report.json["notes"]), f"{report.json['notes']}")


def policies(scratch, mode):
    program = compile_c(scratch, "lookup", r"""
      #include <fcntl.h>
      #include <unistd.h>
      static unsigned char table[256];
      int main(void) {
        unsigned char b[16], o[16];
        for (int i = 0; i < 256; ++i) table[i] = (unsigned char)(i * 3);
        if (read(open("secret", O_RDONLY), b, 16) != 16) return 1;
        for (int i = 0; i < 16; ++i) o[i] = table[b[i]];
        return write(open("out", O_WRONLY | O_CREAT, 0644), o, 16) != 16;
      }""")
    work, _ = secret(scratch, 16)
    record(scratch, [program], "--include", work, cwd=work, expect=0)
    one_to_one(taint(scratch, "--taint-file", "secret"), "out", "secret", 16)
    report = taint(scratch, "--taint-file", "secret", "--policy", "both")
    check(report.output("out") == {}, "data alone does not go through a table")
    more = report.json["only_with_pointers"]["outputs"]
    check([(o["name"], o["bytes"]) for o in more] == [("out", 16)], f"{more}")


def depths(scratch, mode):
    program = compile_c(scratch, "compute", r"""
      #include <fcntl.h>
      #include <unistd.h>
      int main(void) {
        volatile unsigned char b[16], o[48];
        if (read(open("secret", O_RDONLY), (void*)b, 16) != 16) return 1;
        for (int i = 0; i < 16; ++i) {
          o[i] = b[i];
          o[16 + i] = b[i] ^ 1;
          o[32 + i] = (unsigned char)((o[16 + i] + 3) ^ 2);
        }
        return write(open("out", O_WRONLY | O_CREAT, 0644), (void*)o, 48) != 48;
      }""")
    work, _ = secret(scratch, 16)
    record(scratch, [program], "--include", work, cwd=work, expect=0)
    report = taint(scratch, "--taint-file", "secret", "--depth")
    found = {at: flow.get("depth", 0) for flow in report.json["flows"] for at in range(flow["first"], flow["last"] + 1)
             if report.json["outputs"][flow["output"]]["name"].endswith("/out")}
    check(found == {i: (0, 1, 3)[i // 16] for i in range(48)}, f"{found}")
    check(report.json["summary"]["depth"] >= 3, f"{report.json['summary']}")
    check(report.output("out") == taint(scratch, "--taint-file", "secret").output("out"), "counting changed labels")


def bad_input(scratch, mode):
    work, _ = secret(scratch, 100)
    record(scratch, ["sh", "-c", "cat < secret > out; true"], *whole("cat"), "--include", work, cwd=work, expect=0)
    cases = (((), "name one recording"), ((str(scratch.dir / "a.fpr"), "--taint-file", "a:5-2"), "ends before"),
             ((str(scratch.dir / "a.fpr"), "--policy", "all"), "--policy"),
             ((str(scratch.dir / "a.fpr"), "--max-labels", "0"), "--max-labels"),
             ((str(scratch.dir / "a.fpr"), "--taint-env", "A=B"), "--taint-env"))
    for argv, text in cases:
        outcome = run([FPTRACE, "taint", *argv])
        check(outcome.status == 2 and text in outcome.stderr.decode(), f"{argv}: {outcome}")
    missing = run([FPTRACE, "taint", scratch.dir / "none.fpr", "--taint-file", "secret"])
    check(missing.status == 125 and b"none.fpr" in missing.stderr, f"{missing}")
    (work / "text").write_text("no recording\n")
    text = run([FPTRACE, "taint", work / "text", "--taint-file", "secret"])
    check(text.status == 125 and text.stderr.count(b"\n") == 1, f"{text}")

    report = taint(scratch, "--taint-file", "nowhere", "--taint-file", "secret:90-500")
    notes = " ".join(n["detail"] for n in report.json["notes"])
    check("nowhere" in notes and "has 100 bytes" in notes, notes)
    check(report.json["sources"][1]["bytes"] == 10, f"{report.json['sources']}")
    merged = taint(scratch, "--taint-file", "secret", "--max-labels", "1")
    check(merged.json["complete"], "a small limit broke it")
    empty = run([FPTRACE, "taint", scratch.dir / "a.fpr", "--taint-file", "/etc/passwd"]).stdout.decode()
    check("labelled" in empty and "/etc/passwd" in empty, empty)
    unnamed = run([FPTRACE, "taint", scratch.dir / "a.fpr"])
    check(unnamed.status == 0 and b"--taint-file" in unnamed.stderr, f"{unnamed}")


def main():
    return emu_test.main_with_image({f.__name__: f for f in (
        pipeline_of_three, ways_to_read, ways_in_the_kernel, pipes_and_streams, standard_input, known_results,
        block_ciphers, branches, across_processes, same_report, from_a_log, arguments_and_environment, policies,
        depths, bad_input)})


if __name__ == "__main__":
    sys.exit(main())
