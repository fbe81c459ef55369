#!/usr/bin/env python3
"""What recording and replaying in a virtual machine cost.

Of what is compared, rounds alternate, so that a machine whose speed drifts drifts for both; each
figure is the median of the rounds (of a ratio: of the rounds' own ratios). Processor time is given
besides: on a machine that has other work to do it tells more.

usage: emu_speed.py --fptrace PATH [--rounds N]
"""
import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Processes of all kinds, so that there is something to tell of: 200 of them, and some thousand files.
WORK = ["bash", "-c", "for i in {1..200}; do /bin/true; done; for i in {1..2000}; do read a < /etc/hosts; done"]


class Cost:
    """Seconds that pass, and seconds of processor time of children, while it is entered."""

    def __enter__(self):
        self.before, self.start = os.times(), time.monotonic()
        return self

    def __exit__(self, *_):
        after = os.times()
        self.seconds = time.monotonic() - self.start
        self.processor = (after.children_user + after.children_system - self.before.children_user -
                          self.before.children_system)


def timed(argv, **how):
    with Cost() as cost:
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, **how)
    return cost


def header(bundle):
    data = bundle.read_bytes()
    return json.loads(data[48:48 + int.from_bytes(data[8:16], "little")])


class Bench:
    def __init__(self, fptrace, rounds, work):
        self.fptrace, self.rounds, self.work = fptrace, rounds, Path(work)

    def alternate(self, a, b):
        """Medians of the costs of a() and of b(), and of the ratio a/b, as text."""
        pairs = [(a(), b()) for _ in range(self.rounds)]

        def text(what):
            first, second = ([getattr(p[i], what) for p in pairs] for i in (0, 1))
            ratio = statistics.median(x / y for x, y in zip(first, second))
            return f"{statistics.median(first):.2f} / {statistics.median(second):.2f} s, ratio {ratio:.2f}"
        return f"{text('seconds')}; processor {text('processor')}"

    def to_the_prompt(self):
        bundle = self.work / "true.fpr"
        costs = [timed([self.fptrace, "record", "-o", bundle, "--", "/bin/true"]) for _ in range(self.rounds)]
        return (f"record -- /bin/true, to the prompt: {statistics.median(c.seconds for c in costs):.2f} s (at most 1.5), "
                f"processor {statistics.median(c.processor for c in costs):.2f} s")

    def captured_command(self):
        """The command line of a recording's QEMU, by a wrapper in its place."""
        wrapper, seen = self.work / "qemu", self.work / "arguments"
        wrapper.write_text("#!/bin/sh\ncase \"$*\" in *rr=record*) printf '%s\\0' \"$@\" >" + str(seen) +
                           ";; esac\nexec qemu-system-x86_64 \"$@\"\n")
        wrapper.chmod(0o755)
        timed([self.fptrace, "record", "-o", self.work / "a.fpr", "--", "/bin/true"],
              env=dict(os.environ, FPTRACE_QEMU=str(wrapper)))
        return seen.read_text().split("\0")[:-1]

    def boot(self, arguments, mode):
        """What it costs until the guest's init is ready, for the machine with that command line."""
        place = Path(tempfile.mkdtemp(dir=self.work))
        image = Path(arguments[arguments.index("-kernel") + 1]).parent
        for name in ("state.qcow2", "disk.qcow2"):
            shutil.copy(image / name, place)
        (place / "contents").touch()
        os.truncate(place / "contents", 1 << 20)
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()
        ours, its = socket.socketpair()
        now = []
        for a in arguments:
            a = re.sub(r"path=/dev/fd/\d+,input-path=/dev/fd/\d+", f"path=/dev/fd/{from_write},input-path=/dev/fd/{to_read}", a)
            a = re.sub(r"^(socket,id=qmp,fd=)\d+", rf"\g<1>{its.fileno()}", a)
            a = re.sub(r"(file=)[^,]*/((?:state|disk)\.qcow2)", rf"\1{place}/\2", a)
            a = re.sub(r"share=off,readonly=on,rom=off,mem-path=[^,]*", f"share=on,mem-path={place}/ram", a)
            a = re.sub(r"^file:.*", f"file:{place}/console", a)
            a = re.sub(r",rr=record,rrfile=.*", mode.format(place=place), a)
            if a != "-S":
                now.append(a)
        # On one processor, as fptrace keeps it (backends/emu/qemu/same_processor.h).
        processor = {min(os.sched_getaffinity(0))}
        with Cost() as cost, subprocess.Popen(["qemu-system-x86_64", *now], stdin=subprocess.DEVNULL,
                                              pass_fds=[to_read, from_write, its.fileno()],
                                              preexec_fn=lambda: os.sched_setaffinity(0, processor)) as qemu:
            for fd in (to_read, from_write):
                os.close(fd)
            its.close()
            said = os.read(from_read, 4096)
            qemu.kill()
        for fd in (to_write, from_read):
            os.close(fd)
        ours.close()
        shutil.rmtree(place)
        if not said:
            sys.exit("the guest did not boot: " + " ".join(now))
        return cost

    def recording(self):
        arguments = self.captured_command()
        return "boot recorded / with icount alone (at most 1.2): " + self.alternate(
            lambda: self.boot(arguments, ",rr=record,rrfile={place}/log"), lambda: self.boot(arguments, ""))

    def replaying(self):
        bundle = self.work / "work.fpr"
        timed([self.fptrace, "record", "-o", bundle, "--include", "/bin/true", "--include", "/etc/hosts", "--", *WORK])
        traced = [self.fptrace, "replay", "-q", "--log", self.work / "log.fplog", bundle]
        lines = []
        for what, more in (("events", ["--no-hash", "--no-manifest"]), ("events, contents and a manifest", [])):
            lines.append(f"replay with {what} / bare (at most 1.15): " + self.alternate(
                lambda m=more: timed(traced + m), lambda: timed([self.fptrace, "replay", bundle])))
        h = header(bundle)
        count = h["instructions"] - h["first_instruction"]
        lines.append(f"log {h['log']['size'] * 1000 / count:.2f} bytes per 1,000 instructions, packed "
                     f"{h['log']['packed'] * 1000 / count:.2f} (at most 3; {count / 1e6:.0f} M instructions)")
        return "\n".join(lines)

    def python(self):
        bundle = self.work / "python.fpr"
        cost = timed([self.fptrace, "record", "-o", bundle, "--", "/usr/bin/python3", "-c", "pass"])
        return f"record -- python3 -c pass: {bundle.stat().st_size / 1e6:.1f} MB (at most 15), {cost.seconds:.2f} s"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fptrace", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    subprocess.run([args.fptrace, "image", "build"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(args.fptrace, args.rounds, work)
        for measure in (bench.to_the_prompt, bench.recording, bench.replaying, bench.python):
            print(measure(), flush=True)


if __name__ == "__main__":
    main()
