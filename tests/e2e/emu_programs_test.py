#!/usr/bin/env python3
"""Programs that people use, recorded in a virtual machine and replayed: they do what they do here, and
their manifests name what the quick tracer's name. Nothing is said of what they need: finding that
out without running them here is a part of what is tested."""

import json
import os
import sys

import emu_test
from harness import FPTRACE, check, need, run

# Which mean that the program runs with it.
CODE = ("executable", "script", "interpreter", "library")


def entries(manifest, *roles):
    """Path and content of what has one of these roles; of everything without them."""
    return {(f["path"], f.get("sha256")) for f in manifest["files"]
            if not roles or set(roles) & set(f["roles"])}


def differences(what, here, guest):
    lines = []
    for name, more, less in (("only here", here, guest), ("only in the guest", guest, here)):
        left = sorted(map(str, more - less))
        if left:
            lines.append(f"{what}, {name}: " + ", ".join(left[:12]) + (" ..." if len(left) > 12 else ""))
    return lines


def compare(scratch, argv, prepare=lambda work: None, env=None, outputs_differ=()):
    """Traced here, recorded and replayed: equal output, and equal files. `outputs_differ`: the ends
    of the names of outputs whose content is another one in each run."""
    manifests = {}
    env = dict(os.environ, **(env or {}))
    work = scratch.work()
    prepare(work)
    here = run([FPTRACE, "run", "-q", "-o", scratch.dir / "here.json", "--", *argv], cwd=work, env=env,
               timeout=400)
    work = scratch.work()
    prepare(work)
    recorded = run([FPTRACE, "record", "-o", scratch.dir / "a.fpr", "--", *argv], cwd=work, env=env,
                   timeout=600)
    replayed = run([FPTRACE, "replay", "-q", "-o", scratch.dir / "guest.json", scratch.dir / "a.fpr"],
                   cwd=work, env=env, timeout=600)
    check(here.status == recorded.status == replayed.status, f"{here}\n{recorded}\n{replayed}")
    check(here.stdout == recorded.stdout == replayed.stdout, f"{here}\n{recorded}\n{replayed}")
    check(b"not taken into the guest" not in replayed.stderr and b"lacks" not in replayed.stderr,
          replayed.stderr.decode(errors="replace"))
    for name in ("here", "guest"):
        manifests[name] = json.loads((scratch.dir / f"{name}.json").read_text())
    first, second = manifests["here"], manifests["guest"]
    wrong = []
    for what, get in (
            ("code", lambda m: entries(m, *CODE)),
            ("other files", lambda m: entries(m) - entries(m, *CODE)),
            ("missing", lambda m: {(f["path"], f["errno"]) for f in m["missing"]}),
            ("outputs", lambda m: {(f["path"], None if f["path"].endswith(outputs_differ) else f.get("sha256"))
                                   for f in m.get("outputs", ())})):
        wrong += differences(what, get(first), get(second))
    check(not wrong, f"{argv}\n  " + "\n  ".join(wrong))
    size = (scratch.dir / "a.fpr").stat().st_size
    return (f"{len(second['files'])} files, {len(entries(second, 'library'))} libraries, "
            f"a bundle of {size / 1e6:.1f} MB")


def write(**files):
    def prepare(work):
        for name, text in files.items():
            (work / name.replace("__", ".")).write_text(text)
    return prepare


def bash_pipeline(scratch, mode):
    need("bash", "sort", "uniq", "tee", "wc", "grep", "sed", "awk")
    script = ("sort names | uniq -c | tee counts | wc -l; for f in *.txt; do grep -c a \"$f\"; done; "
              "sed s/a/b/ <names | awk '{n += length($1)} END {print n}'; echo done >&2; exit 3")
    return compare(scratch, ["bash", "-c", script],
                   write(names="b\na\nb\n", one__txt="abc\n", two__txt="xyz\n"))


def shell_script(scratch, mode):
    need("sort", "uniq", "env")
    def prepare(work):
        (work / "report.sh").write_text("#!/bin/sh\n. ./lib\nshow names | uniq -c > counts\n./inner\n")
        (work / "lib").write_text("show() { env LC_ALL=C sort \"$1\"; }\n")
        (work / "inner").write_text("#!/usr/bin/env bash\nread -r line <counts; echo \"$line\" | tr a-z A-Z\n")
        (work / "names").write_text("b\na\nb\n")
        for name in ("report.sh", "inner"):
            (work / name).chmod(0o755)
    return compare(scratch, ["./report.sh"], prepare)


def python_imports(scratch, mode):
    need("/usr/bin/python3")
    source = ("import json, ssl, sqlite3, ctypes, decimal, hashlib, csv, subprocess, helper\n"
              "db = sqlite3.connect(':memory:')\n"
              "print(json.dumps([helper.NAME, str(decimal.Decimal(1) / 3), ssl.OPENSSL_VERSION,\n"
              "                  hashlib.sha256(b'x').hexdigest(), db.execute('select 6 * 7').fetchone()]))\n"
              "print(subprocess.run(['uname', '-s'], capture_output=True, check=True).stdout)\n")
    return compare(scratch, ["/usr/bin/python3", "-B", "main.py", "uname"],
                   write(main__py=source, helper__py="NAME = 'helper'\n"))


def gcc(scratch, mode):
    need("gcc", "ld", "as")
    source = '#include <math.h>\n#include <stdio.h>\n#include "own.h"\nint main(void) { return printf(OWN, sqrt(2.0)) < 0; }\n'
    return compare(scratch, ["sh", "-c", "gcc -O1 -o program main.c -lm && ./program"],
                   write(main__c=source, own__h='#define OWN "%.9f\\n"\n'))


def make(scratch, mode):
    need("make", "cc")
    return compare(scratch, ["make", "-s", "all"],
                   write(Makefile="all: program\n\t./program | tr a-z A-Z\nprogram: main.c\n\t$(CC) -o $@ main.c\n",
                         main__c='#include <stdio.h>\nint main(void) { return puts("made") < 0; }\n'))


def git_commit(scratch, mode):
    need("git")
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
           for key, value in (("NAME", "A"), ("EMAIL", "a@b"), ("DATE", "1700000000 +0000"))}
    script = ("git init -q . && git add names && git commit -q -m first && git log --oneline && "
              "echo c >> names && git diff --stat && git commit -q -a -m second && git rev-parse HEAD")
    # The index has the inode numbers and the times of files.
    return compare(scratch, ["sh", "-c", script], write(names="a\nb\n"), env=who,
                   outputs_differ=(".git/index", "/logs/HEAD"))


def sqlite3(scratch, mode):
    need("sqlite3")
    sql = "create table t(a, b); insert into t values (1, 'one'), (2, 'two'); select count(*), max(b) from t;"
    return compare(scratch, ["sqlite3", "x.db", sql])


def tar_xz(scratch, mode):
    need("tar", "xz")
    def prepare(work):
        (work / "tree/sub").mkdir(parents=True)
        (work / "out").mkdir()
        for i in range(20):
            (work / f"tree/sub/{i}").write_text(f"{i}\n" * 1000)
        for path in sorted((work / "tree").rglob("*")) + [work / "tree"]:
            os.utime(path, (1700000000, 1700000000))
    script = "tar --sort=name -cJf t.tar.xz tree && tar -xJf t.tar.xz -C out && ls -R out && xz -t t.tar.xz"
    return compare(scratch, ["sh", "-c", script], prepare)


def perl_modules(scratch, mode):
    need("perl")
    source = ("use strict; use List::Util qw(sum); use POSIX qw(floor); use Data::Dumper; "
              "print sum(1..10), floor(2.5), Dumper([1]);")
    return compare(scratch, ["perl", "-e", source])


def found_when_the_call_was_made(scratch, mode):
    """What a call finds is what was there when it was made, though it waits while others change it."""
    need("bash", "mkfifo", "mv", "sleep")
    script = "mkfifo f; { read -r x < f; echo $x; } & sleep 0.3; mv f g; echo said > g; wait"
    work, log = scratch.work(), scratch.dir / "events.fplog"
    outcome = run([FPTRACE, "--backend", "emu", "-q", "--log", log, "--", "bash", "-c", script], cwd=work, timeout=600)
    check(outcome.status == 0 and outcome.stdout == b"said\n", f"{outcome}")
    events = [json.loads(line) for line in run([FPTRACE, "log", "--json", log]).stdout.splitlines()]
    opened = {e["at"]["path"]: e["at"]["file"] for e in events if e["type"] == "open"}
    first, second = opened["f"], opened["g"]
    check(first["path"] == str(work / "f") and first["ino"] == second["ino"], f"{first} {second}")


def left_out_is_told(scratch, mode):
    """A name that is put together at run time cannot be found before it; that is said, with what to
    do, and doing it helps."""
    outside = scratch.dir / "outside"
    outside.mkdir()
    (outside / "data").write_text("content\n")
    work = scratch.work()
    half = len(str(scratch.dir)) // 2
    begin, rest = str(scratch.dir)[:half], str(scratch.dir)[half:]
    argv = ["sh", "-c", f"b={begin}; e={rest}/outside; cat $b$e/data; test -e $b$e/data"]
    first = run([FPTRACE, "--backend", "emu", "-q", "-o", scratch.dir / "m.json", "--", *argv], cwd=work,
                timeout=600)
    told = f"--include {outside}".encode()
    check(first.status == 1 and told in first.stderr, f"{first}")
    second = run([FPTRACE, "--backend", "emu", "--include", outside, "-q", "-o", scratch.dir / "m.json", "--",
                  *argv], cwd=work, timeout=600)
    check(second.status == 0 and second.stdout == b"content\n", f"{second}")
    check(told not in second.stderr, f"{second}")


def main():
    return emu_test.main_with_image({f.__name__: f for f in (
        bash_pipeline, shell_script, python_imports, gcc, make, git_commit, sqlite3, tar_xz, perl_modules,
        found_when_the_call_was_made, left_out_is_told)})


if __name__ == "__main__":
    sys.exit(main())
