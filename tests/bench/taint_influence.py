#!/usr/bin/env python3
"""Are labels right on real programs? Change one byte of the input, run again, and look: every byte of the output that
became another must have had that byte's label.

usage: FPTRACE=build/main/frontends/cli/fptrace taint_influence.py [--bytes N] [PROGRAM]...

Prints a table: of how many changed bytes of the output the label was there, and, for those where it was not, why: the
change went by control flow (another branch was taken), which labels do not follow. Such programs are marked in the
table beforehand; an unmarked one must have every label. Exit status 1 when one has not.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
import harness  # noqa: E402
from emu_test import prepare  # noqa: E402
from taint_test import Report, whole  # noqa: E402

TEXT = "".join(f"{word},{i * 37 % 101}\n" for i, word in enumerate(
    "pear apple quince fig lemon plum cherry date grape lime mango olive peach melon kiwi".split() * 3))


class Program:
    def __init__(self, script, *programs, control="", data=TEXT.encode(), include=()):
        self.script, self.programs, self.control, self.include = script, programs, control, include
        self.data = data


def python_files():
    prefix = subprocess.run(["/usr/bin/python3", "-c", "import sys; print(f'/usr/lib/python3.{sys.version_info[1]}')"],
                            capture_output=True, text=True).stdout.strip()
    return ("--include", prefix + "/encodings", "--include", prefix + "/codecs.py", "--include", prefix + "/io.py",
            "--include", prefix + "/abc.py", "--include", prefix + "/site.py", "--include", prefix + "/os.py",
            "--include", prefix + "/stat.py", "--include", prefix + "/posixpath.py", "--include",
            prefix + "/genericpath.py", "--include", prefix + "/_collections_abc.py", "--include",
            prefix + "/_sitebuiltins.py")


MOVED = "which line stands where is decided by branches"
PROGRAMS = {
    "cat": Program("cat in", "cat"),
    "tr": Program("tr a-z A-Z < in", "tr"),
    "sort": Program("sort in", "sort", control=MOVED),
    "gzip": Program("gzip -n < in", "gzip", control="matches and codes are chosen by branches"),
    "gunzip": Program("gunzip < in", "gzip", control="what follows a changed code is read as other codes"),
    "base64": Program("base64 -w 0 in", "base64"),
    "sha256sum": Program("sha256sum < in", "sha256sum"),
    "sed": Program("sed s/apple/APPLE/ in", "sed", control="whether the pattern matches is decided by branches"),
    "awk": Program("awk -F, '{ print $2 }' in", "awk", control="where a field ends is decided by branches"),
    "grep": Program("grep a in", "grep", control="whether a line matches is decided by branches"),
    "python": Program("python3 -S -c 'import sys; d = sys.stdin.buffer.read(); "
                      "sys.stdout.buffer.write(bytes(b ^ 90 for b in d))' < in", "python3", include="python",
                      control="small numbers and one-byte strings are shared objects"),
    "openssl": Program("openssl enc -e -aes-128-cbc -nosalt -K 000102030405060708090a0b0c0d0e0f -iv 00 -in in",
                       "openssl", include=("--include", "/etc/ssl/openssl.cnf")),
    "sqlite3": Program("sqlite3 :memory: '.mode csv' 'create table t(a, b)' '.import in t' 'select b, a from t'",
                       "sqlite3", control="where a field ends is decided by branches"),
}


def run(program, work):
    got = subprocess.run(["sh", "-c", program.script], cwd=work, capture_output=True, timeout=60)
    return got.stdout


def measure(name, program, changes, rng):
    fptrace = harness.FPTRACE
    with tempfile.TemporaryDirectory(prefix="fptrace-influence.") as scratch:
        work, bundle = Path(scratch, "work"), Path(scratch, "a.fpr")
        work.mkdir()
        data = program.data
        if name == "gunzip":
            data = subprocess.run(["gzip", "-n"], input=data, capture_output=True).stdout
        (work / "in").write_bytes(data)
        include = python_files() if program.include == "python" else program.include
        recorded = harness.run([fptrace, "record", "-o", bundle, *whole(*program.programs), *include, "--include", work,
                                "--", "sh", "-c", program.script], cwd=work, timeout=200)
        if recorded.status != 0:
            return f"{name:<10} not recorded: {recorded.stderr.decode(errors='replace').strip()[-100:]}", False
        told = harness.run([fptrace, "taint", bundle, "--taint-file", "in", "--json"], cwd=work, timeout=300)
        if told.status != 0:
            return f"{name:<10} no report: {told.stderr.decode(errors='replace').strip()[-200:]}", False
        report = Report(told.stdout)
        labels = report.output("standard output")
        base = run(program, work)
        if base != recorded.stdout:
            return f"{name:<10} another output in the guest", False
        changed = missing = 0
        lengths = 0
        for at in sorted(rng.sample(range(len(data)), min(changes, len(data)))):
            other = bytearray(data)
            other[at] = other[at] ^ 1 if data[at:at + 1].isalnum() else other[at] ^ 3
            (work / "in").write_bytes(other)
            out = run(program, work)
            lengths += len(out) != len(base)
            for i in range(min(len(out), len(base))):
                if out[i] == base[i]:
                    continue
                changed += 1
                missing += ("in", at) not in labels.get(i, ())
        summary = report.json["summary"]
        unmodelled = ", ".join(f"{m} {n}" for m, n in report.unmodelled().items()) or "0"
        why = program.control if missing else ""
        good = missing == 0 or bool(program.control)
        return (f"{name:<10} {changed:>8} {changed - missing:>9} {missing:>8} {lengths:>8}  {unmodelled:<12} {why}"
                + ("" if good else "WRONG: no control flow explains it")
                + (" (merged sets)" if summary["merged"] else "")), good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bytes", type=int, default=40, help="bytes of the input that are changed, one at a time")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=", ".join(PROGRAMS))
    options = parser.parse_args()
    os.environ["LC_ALL"] = "C"
    prepare()
    print(f"{'program':<10} {'changed':>8} {'labelled':>9} {'not':>8} {'lengths':>8}  {'unmodelled':<12} why not")
    all_good = True
    for name in options.programs or PROGRAMS:
        line, good = measure(name, PROGRAMS[name], options.bytes, random.Random(1))
        print(line, flush=True)
        all_good = all_good and good
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
