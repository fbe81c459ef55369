#!/usr/bin/env python3
"""Are labels right on real programs? Change one byte of the input, run again, and look: every byte of the output that
became another must have had that byte's label.

A case says of how many changed bytes the label was there, and, for those where it was not, why: the change went by
control flow (another branch was taken), which labels do not follow. What a program decides by branches is said here
beforehand; any other byte must have its label. An output that became longer or shorter is counted apart: of it, bytes
changed by having moved.
"""

import gzip
import random
import sys

import emu_test
from emu_test import record
from harness import check, need, run
from taint_test import taint, whole

CHANGES = 40  # bytes of the input, one at a time
TEXT = "".join(f"{word},{i * 37 % 101}\n" for i, word in enumerate(
    "pear apple quince fig lemon plum cherry date grape lime mango olive peach melon kiwi".split() * 3)).encode()


class Program:
    """`control`: what of its output is decided by branches; `decided`: which bytes those are, if that can be told from
    the output."""

    def __init__(self, script, *programs, control="", decided=None, data=TEXT, include=()):
        self.script, self.programs, self.control, self.include = script, programs, control, include
        self.decided, self.data = decided, data

    def explains(self, output, at):
        return bool(self.control) and (self.decided is None or self.decided(output, at))


MOVED = "which line stands where is decided by branches"
PROGRAMS = {
    "cat": Program("cat in", "cat"),
    "tr": Program("tr a-z A-Z < in", "tr"),
    "sort": Program("sort in", "sort", control=MOVED),
    "gzip": Program("gzip -n < in", "gzip", control="matches and codes are chosen by branches"),
    "gunzip": Program("gunzip < in", "gzip", control="what follows a changed code is read as other codes",
                      data=gzip.compress(TEXT, mtime=0)),
    "base64": Program("base64 -w 0 in", "base64"),
    "sha256sum": Program("sha256sum < in", "sha256sum", control="printf pads what has one digit with a 0",
                         decided=lambda out, at: at % 2 == 0 and out[at] == ord("0")),
    "sed": Program("sed s/apple/APPLE/ in", "sed", control="whether the pattern matches is decided by branches"),
    "awk": Program("awk -F, '{ print $2 }' in", "awk", control="where a field ends is decided by branches"),
    "grep": Program("grep a in", "grep", control="whether a line matches is decided by branches"),
    "python": Program("python3 -S -c 'import sys; d = sys.stdin.buffer.read(); "
                      "sys.stdout.buffer.write(bytes(b ^ 90 for b in d))' < in", "python3"),
    "openssl": Program("openssl enc -e -aes-128-cbc -nosalt -K 000102030405060708090a0b0c0d0e0f -iv 00 -in in",
                       "openssl", include=("--include", "/etc/ssl/openssl.cnf")),
    "sqlite3": Program("sqlite3 :memory: '.mode csv' 'create table t(a, b)' '.import in t' 'select b, a from t'",
                       "sqlite3", control="where a field ends is decided by branches"),
}


def output_of(program, work):
    return run(["sh", "-c", program.script], cwd=work, timeout=60).stdout


class Tally:
    changed = missing = 0  # bytes of outputs of the same length; of these, those without the label
    lengths = moved = 0    # outputs of another length; bytes without the label there, most of them only moved
    unexplained = 0


def compare(program, work, data, base, labels):
    tally = Tally()
    for at in sorted(random.Random(1).sample(range(len(data)), min(CHANGES, len(data)))):
        other = bytearray(data)
        other[at] ^= 1 if data[at:at + 1].isalnum() else 3
        (work / "in").write_bytes(other)
        out = output_of(program, work)
        differ = [i for i in range(min(len(out), len(base))) if out[i] != base[i]]
        missing = [i for i in differ if ("in", at) not in labels.get(i, ())]
        tally.unexplained += sum(not program.explains(base, i) for i in missing)
        if len(out) != len(base):
            tally.lengths += 1
            tally.moved += len(missing)
        else:
            tally.changed += len(differ)
            tally.missing += len(missing)
    return tally


def influence(scratch, program):
    need(*program.programs)
    work = scratch.work()
    data = program.data
    (work / "in").write_bytes(data)
    base = output_of(program, work)
    recorded = record(scratch, ["sh", "-c", program.script], *whole(*program.programs), *program.include,
                      "--include", work, cwd=work, expect=0)
    check(recorded.stdout == base, f"another output in the guest: {recorded}")
    report = taint(scratch, "--taint-file", "in")
    tally = compare(program, work, data, base, report.output("standard output"))
    told = (f"{tally.changed} changed bytes, {tally.changed - tally.missing} labelled; {tally.lengths} outputs of "
            f"another length, {tally.moved} bytes moved; unmodelled {report.unmodelled() or 0}")
    if tally.missing or tally.moved:
        told += f"; {program.control}"
    check(tally.unexplained == 0, f"nothing explains {tally.unexplained}: {told}")
    check(tally.changed + tally.moved > 0, f"nothing changed: {told}")
    check(not report.unmodelled() and not report.json["summary"]["merged"], told)
    return told


def main():
    return emu_test.main_with_image(
        {name: lambda scratch, mode, p=program: influence(scratch, p) for name, program in PROGRAMS.items()})


if __name__ == "__main__":
    sys.exit(main())
