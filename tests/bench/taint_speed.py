#!/usr/bin/env python3
"""What following labels costs: the time that a replay with taint takes divided by that of a bare one, while gzip
compresses a file of 1 MB. Nothing is labelled, then the file, then all of memory that is in use; the last two also
without the compiler of hot blocks.

Rounds alternate, so that a machine whose speed drifts drifts for all; each figure is the median of the rounds' own
ratios. Besides, the same of the time of processors: labels are followed beside the guest, on another one.

usage: taint_speed.py --fptrace PATH --check PATH --label PATH [--rounds N]
"""
import argparse
import random
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

MODES = {"idle": ("nothing labelled", "at most 1.7"), "labels": ("the file labelled", "at most 4.0"),
         "all": ("everything labelled", "at most 6.0"),
         "labels/interpreted": ("the file labelled, no block compiled", "more than with them"),
         "all/interpreted": ("everything labelled, no block compiled", "more than with them")}
WORDS = "the of and to in is you that it he was for on are as with his they at be this have from or one had by".split()


def text(size):
    """Compresses as text does."""
    source, out = random.Random(1), ""
    while len(out) < size:
        out += " ".join(source.choice(WORDS) + str(source.randrange(50)) for _ in range(12)) + "\n"
    return out[:size]


def replay(check, bundle, mode):
    told = subprocess.run([check, bundle, mode], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True).stdout
    return [float(re.search(rf"^{what} ([\d.]+)$", told, re.M)[1]) for what in ("seconds", "processor")], told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fptrace", required=True)
    parser.add_argument("--check", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        data, bundle = Path(work) / "data", Path(work) / "gzip.fpr"
        data.write_text(text(1_000_000))
        subprocess.run([args.fptrace, "record", "-o", bundle, "--include", data, "--", args.label, data, "gzip", "-c",
                        data], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        ratios, said = {mode: [] for mode in MODES}, {}
        for _ in range(args.rounds):
            bare, _ = replay(args.check, bundle, "bare")
            for mode in MODES:
                used, said[mode] = replay(args.check, bundle, mode)
                ratios[mode].append([of_mode / of_bare for of_mode, of_bare in zip(used, bare)])
        for mode, (what, aim) in MODES.items():
            time, processor = zip(*ratios[mode])
            print(f"{what}: {statistics.median(time):.2f} times a bare replay ({aim}), "
                  f"rounds {min(time):.2f} to {max(time):.2f}; of processors' time {statistics.median(processor):.2f}")
            print("".join(f"  {line}\n" for line in said[mode].splitlines() if re.match("labelled|sets|blocks", line)),
                  end="")


if __name__ == "__main__":
    main()
