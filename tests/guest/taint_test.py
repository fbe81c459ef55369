#!/usr/bin/env python3
"""Labels through a whole guest: what taint_scene.c expects, with each translation of an address checked
against QEMU's own, and the same reports again from the same recording."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77


def check(bundle, mode):
    done = subprocess.run([os.environ["TAINT_CHECK"], bundle, mode], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True)
    print(done.stdout)
    if done.returncode != 0:
        sys.exit(f"taint_check {mode} ended with {done.returncode}")
    return [line for line in done.stdout.splitlines() if line.startswith(("reports", "expectations", "findings"))]


def main():
    with tempfile.TemporaryDirectory() as work:
        bundle = Path(work) / "scene.fpr"
        recorded = subprocess.run([os.environ["FPTRACE"], "record", "-o", bundle, "--", os.environ["TAINT_SCENE"]],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if recorded.returncode == 125:
            print("skipped:", recorded.stderr.strip())
            return SKIPPED
        told = recorded.stdout.split()
        if recorded.returncode != 0 or int(told[told.index("signals") - 1]) < 10:
            sys.exit(f"the scene did not run as it should: {recorded}")
        expected = int(told[told.index("expectations") - 1])
        first, second = check(bundle, "labels"), check(bundle, "checked")
        if first != second:
            sys.exit(f"another replay, other reports: {first} and {second}")
        if f"expectations {expected} of {expected} met" not in first:
            sys.exit(f"{expected} expectations in the guest, but {first}")
        return 0


if __name__ == "__main__":
    sys.exit(main())
