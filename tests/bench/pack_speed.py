#!/usr/bin/env python3
"""How fast fptrace packs: time of `tar | zstd` divided by that of `fptrace pack` on the same files.

Rounds alternate, so that a machine whose speed drifts drifts for both; the figure is the median of the
rounds' own ratios. Above 1 fptrace is the faster one.

usage: pack_speed.py --fptrace PATH [--work DIR] [--megabytes N] [--rounds N] [--at-least RATIO]
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

# Where machines with Debian have binaries and libraries of every size.
SOURCES = ["/usr/bin", "/usr/lib"]


def choose(megabytes):
    """Files, until they are that many bytes."""
    chosen, total = [], 0
    for top in SOURCES:
        for directory, names, files in os.walk(top):
            names.sort()
            for name in sorted(files):
                path = os.path.join(directory, name)
                if os.path.islink(path) or not os.path.isfile(path) or not os.access(path, os.R_OK):
                    continue
                size = os.path.getsize(path)
                if size > 30_000_000:
                    continue
                chosen.append(path)
                total += size
                if total >= megabytes * 1_000_000:
                    return chosen, total
    return chosen, total


def timed(argv):
    """Seconds that passed, seconds of processor time."""
    before, start = os.times(), time.monotonic()
    subprocess.run(argv, check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - start, used


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fptrace", required=True)
    parser.add_argument("--work", default=None)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at-least", type=float, default=0.0, help="exit with 1 when the ratio is lower")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        files, total = choose(args.megabytes)
        names = os.path.join(work, "names")
        with open(names, "w") as out:
            out.write("".join(f"{path}\0" for path in files))
        manifest = os.path.join(work, "manifest.json")
        subprocess.run([args.fptrace, "-q", "-o", manifest, "--", "xargs", "-0", "cat"], check=True,
                       stdin=open(names), stdout=subprocess.DEVNULL)
        theirs, ours = os.path.join(work, "tar.zst"), os.path.join(work, "ours.tar.zst")
        tar = ["sh", "-c", f"tar -cPf - --null -T {names} | zstd -q -f -o {theirs}"]
        pack = [args.fptrace, "pack", "-q", "--force", manifest, "-o", ours]
        ratios = []
        for _ in range(args.rounds):
            (by_tar, cpu_tar), (by_us, cpu_us) = timed(tar), timed(pack)
            ratios.append(by_tar / by_us)
            print(f"tar | zstd {total / by_tar / 1e6:6.0f} MB/s, {cpu_tar:.2f} s of processor   fptrace pack "
                  f"{total / by_us / 1e6:6.0f} MB/s, {cpu_us:.2f} s   ratio {ratios[-1]:.2f}")
        ratio = statistics.median(ratios)
        print(f"{len(files)} files, {total / 1e6:.0f} MB; median ratio {ratio:.2f}; sizes "
              f"{os.path.getsize(theirs) / 1e6:.1f} MB (tar | zstd), {os.path.getsize(ours) / 1e6:.1f} MB (fptrace)")
        return 0 if ratio >= args.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
