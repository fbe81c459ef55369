#!/usr/bin/env python3
"""Equal runs give equal manifests, byte for byte, however their processes are scheduled."""

import difflib
import os
import shutil
import sys

import harness
from harness import Failure, check

RUNS = int(os.environ.get("FPTRACE_E2E_RUNS", "2"))  # with each number of jobs


def manifest_of_make(scratch, mode, source, jobs):
    # The number of jobs comes on standard input, so that nothing but the schedule differs.
    work = scratch.work()
    shutil.copytree(source, work / "lua", symlinks=True)
    command = ["sh", "-c", "read jobs; exec make -C lua/src -j$jobs MYCFLAGS=-O1 linux"]
    outcome = harness.run(scratch.traced(mode, command), cwd=work, stdin=f"{jobs}\n".encode(), timeout=240)
    check(outcome.status == 0, f"make: {outcome}")
    return scratch.manifest.read_text()


def manifests_of_make(scratch, mode):
    source = harness.lua_source()
    manifests = {jobs: [manifest_of_make(scratch, mode, source, jobs) for _ in range(RUNS)]
                 for jobs in (1, 2)}
    first = manifests[1][0]
    said = []
    for jobs, made in manifests.items():
        different = [m for m in made if m != first]
        said.append(f"-j{jobs}: {RUNS - len(different)} of {RUNS} equal to the first of -j1")
        if different:
            lines = difflib.unified_diff(first.splitlines(), different[0].splitlines(), lineterm="", n=2)
            raise Failure(said[-1] + "\n" + "\n".join(list(lines)[:60]))
    return f"{len(first)} bytes; " + "; ".join(said)


def same_in_all_modes(scratch, mode):
    """Every way of stopping gives the manifest that `mode` gives."""
    work = scratch.dir / "work"
    script = ("seq 500 > a; sort -r a > b; mv b c; cat c a | gzip -n > d.gz; python3 -c 'import json, os; "
              "json.dump(os.listdir(\".\"), open(\"e\", \"w\"))'; ls -l / >/dev/null; cat /no/such; ln c f; rm a")
    made = {}
    for other in (mode, *harness.MODES):
        scratch.work()
        harness.run(scratch.traced(other, ["sh", "-c", script]), cwd=work)
        made[other] = scratch.manifest.read_text()
    for other, text in made.items():
        lines = difflib.unified_diff(made[mode].splitlines(), text.splitlines(), mode, other, lineterm="", n=2)
        check(text == made[mode], "\n".join(list(lines)[:60]))


if __name__ == "__main__":
    sys.exit(harness.main({f.__name__: f for f in (manifests_of_make, same_in_all_modes)}))
