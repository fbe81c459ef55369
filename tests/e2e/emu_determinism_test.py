#!/usr/bin/env python3
"""Each replay of a recording tells of the same events, whatever looks into the machine.

FPTRACE_E2E_RECORDINGS=20 FPTRACE_E2E_REPLAYS=5 for all of it.
"""

import hashlib
import os
import sys

import emu_test
from emu_stress_test import CROWD
from harness import FPTRACE, check, compile_c, run

PROGRAMS = (
    (["bash", "-c", "for i in 1 2 3; do (read -t 0.01 < /dev/zero; echo $i) & done; wait; kill -USR1 $$ || :"], b""),
    (["sort", "-r"], b"\n".join(b"%d" % (i * 7919 % 1000) for i in range(1000))),
    (["crowd"], b""),
    (["date", "+%s %N"], b""),
    (["sha256sum"], bytes(range(256)) * 500),
    (["sh", "-c", "echo $$; cat /proc/self/stat /proc/uptime 2>&1; exit 4"], b""),
    (["seq", "20000"], b""),
    (["wc"], b"words and words\n" * 1000),
    (["tr", "a-z", "A-Z"], b"shout\n" * 2000),
    (["sed", "s/./&&/g"], b"twice\n" * 1000),
    (["grep", "-c", "x"], b"axb\nab\n" * 1000),
    (["factor", "18446744073709551557", "123456789012345678"], b""),
    (["base64"], bytes(range(256)) * 50),
    (["env"], b""),
    (["ls", "-laR", "/dev"], b""),
    (["od", "-c", "/dev/urandom", "-N", "4096"], b""),
    (["find", "/proc", "-maxdepth", "1"], b""),
    (["head", "-c", "100000", "/dev/zero"], b""),
    (["uniq", "-c"], b"a\na\nb\n" * 500),
    (["timeout", "-s", "KILL", "0.2", "sleep", "5"], b""),
)
# From little to all that may look: the events of one kind of replay are equal among themselves.
LOOKS = ((), ("--whole-machine", "--openers", "-o", "manifest.json", "--with-processes", "--with-times",
              "--with-temporaries"))


def events_are_equal(scratch, mode):
    recordings = int(os.environ.get("FPTRACE_E2E_RECORDINGS", "3"))
    replays = int(os.environ.get("FPTRACE_E2E_REPLAYS", "3"))
    crowd = compile_c(scratch, "crowd", CROWD, "-pthread")
    count = 0
    for argv, stdin in PROGRAMS[:recordings]:
        argv = [crowd if a == "crowd" else a for a in argv]
        recorded = emu_test.record(scratch, argv, "--include", "/bin/sleep", "--include", "/bin/cat",
                                   stdin=stdin, cwd=scratch.work(), timeout=500)
        check(recorded.status != 125, f"{argv}: {recorded}")
        seen = [set() for _ in LOOKS]
        for i in range(replays):
            kind = i % len(LOOKS)
            log = scratch.dir / "events.fplog"
            replayed = run([FPTRACE, "replay", "-q", "--log", log, *LOOKS[kind], scratch.dir / "a.fpr"],
                           cwd=scratch.dir, timeout=500)
            emu_test.same(recorded, replayed)
            events = run([FPTRACE, "log", "--json", log]).stdout
            check(events.count(b"\n") > 5, f"{argv}: few events: {events}")
            seen[kind].add(hashlib.sha256(events).hexdigest())
            count += 1
        check(all(len(s) <= 1 for s in seen), f"{argv}: {seen}")
    return f"{min(recordings, len(PROGRAMS))} recordings, {count} replays, events of each byte-identical"


if __name__ == "__main__":
    sys.exit(emu_test.main_with_image({"events_are_equal": events_are_equal}))
