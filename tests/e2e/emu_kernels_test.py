#!/usr/bin/env python3
"""The kernels that distributions package for virtual machines: each records, and replays as recorded."""

import os
import sys
from pathlib import Path

import emu_test
import harness
from harness import FPTRACE, Failure, Skip, check, run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "guest"))
import kernels  # noqa: E402


def image_of(series):
    """An image with the newest kernel package of the series, built in the cache at need."""
    os.environ["XDG_CACHE_HOME"] = str(emu_test.CACHE)
    emu_test.CACHE.mkdir(parents=True, exist_ok=True)
    name = f"linux-{series}"
    try:
        package = kernels.package_of(series)
        built = run([FPTRACE, "image", "build", name, "--package", package], timeout=250)
        if b"another image" in built.stderr:  # of an older package
            run([FPTRACE, "image", "rm", name])
            built = run([FPTRACE, "image", "build", name, "--package", package], timeout=250)
        if built.status != 0:
            raise kernels.Unavailable(built.stderr.decode(errors="replace").strip())
    except kernels.Unavailable as e:
        if "Emu" in os.environ.get("FPTRACE_REQUIRE_BACKENDS", "").split(","):
            raise Failure(str(e)) from None
        raise Skip(str(e)) from None
    check(f"kernel:  {series}." in built.stdout.decode(), f"{built}")
    return name


def records_and_replays(series):
    def case(scratch, mode):
        image = image_of(series)
        script = "echo $(read a; echo got $a) $(ulimit -s); sleep 0.2; echo err >&2; exit 7"
        recorded = emu_test.record(scratch, ["bash", "-c", script], "--image", image, "--include",
                                   "/bin/sleep", stdin=b"one\ntwo\n", expect=7)
        check(recorded.stdout.startswith(b"got one "), f"{recorded}")
        events = []
        for i in range(2):
            emu_test.same(recorded, emu_test.replay(scratch))
            log = scratch.dir / f"{i}.fplog"
            traced = run([FPTRACE, "replay", "-q", "--log", log, scratch.dir / "a.fpr"], timeout=150)
            check(traced.status == 7, f"{traced}")
            events.append(run([FPTRACE, "log", "--json", log]).stdout)
        check(events[0] == events[1], "two replays of one recording differ in their events")
        check(b"/bin/sleep" in events[0], f"sleep was not seen in {events[0][:2000]}")
    return case


if __name__ == "__main__":
    sys.exit(harness.main({f"linux_{s.replace('.', '_')}": records_and_replays(s) for s in ("6.1", "6.12")},
                          traces=False))
