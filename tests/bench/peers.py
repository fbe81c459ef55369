#!/usr/bin/env python3
"""What tracing costs: wall time traced/untraced, for fptrace and for the peers that are installed.

Every round runs each tool once on a workload, in turn, so that a machine whose speed drifts drifts
for all of them; the figure is the median of the rounds' own ratios to that round's untraced run.

usage: peers.py --fptrace PATH [--rounds N] [--work DIR] [--only WORKLOAD,...] [--tools TOOL,...]
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "support", "debian_source.sh")

# The calls that fptrace watches, for strace: files, descriptors by path, processes.
STRACE_CALLS = "%file,%process,getdents64,getdents,chdir,fchdir,connect,bind,recvmsg,recvmmsg"


def sh(script):
    return ["sh", "-c", script]


class Workload:
    """A command, what it needs beforehand (once) and before each run."""

    def __init__(self, name, argv, cwd, before=None):
        self.name, self.argv, self.cwd, self.before = name, argv, cwd, before


def sources(work, package):
    target = os.path.join(work, package)
    subprocess.run([SOURCE, package, target], check=True, stdout=sys.stderr)
    return target


def make_tree(work):
    """A source tree with 8,000 small files, for grep and git."""
    tree = os.path.join(work, "tree")
    if os.path.exists(os.path.join(tree, ".git")):
        return tree
    for d in range(80):
        os.makedirs(f"{tree}/d{d}", exist_ok=True)
        for f in range(100):
            with open(f"{tree}/d{d}/f{f}.c", "w") as out:
                out.write(f"int f{d}_{f}(void) {{ return {d * f}; }}\n" * 5)
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
    subprocess.run(git + ["init", "-q"], cwd=tree, check=True)
    subprocess.run(git + ["add", "."], cwd=tree, check=True)
    subprocess.run(git + ["commit", "-qm", "tree"], cwd=tree, check=True)
    return tree


def compute_program(work):
    path = os.path.join(work, "compute2t")
    source = path + ".c"
    with open(source, "w") as out:
        out.write("#include <pthread.h>\nstatic void *f(void *p) { volatile double x = 1;"
                  " for (long i = 0; i < 150000000; ++i) x = x * 1.0000001; return p; }\n"
                  "int main(void) { pthread_t t[2]; for (int i = 0; i < 2; ++i)"
                  " pthread_create(&t[i], 0, f, 0); for (int i = 0; i < 2; ++i)"
                  " pthread_join(t[i], 0); return 0; }\n")
    subprocess.run(["cc", "-O1", "-pthread", "-o", path, source], check=True)
    return path


def workloads(work):
    lua = os.path.join(sources(work, "lua5.4"), "src")
    hello = sources(work, "hello")
    tree = make_tree(work)
    lua_make = "make -s -C %s MYCFLAGS=-O1 %%s linux >/dev/null 2>&1" % lua
    clean = sh("rm -f %s/*.o %s/*.a %s/lua %s/luac" % (lua, lua, lua, lua))
    configure = os.path.join(work, "configure-run")
    return [
        Workload("build-j1", sh(lua_make % "-j1"), lua, clean),
        Workload("build-j2", sh(lua_make % "-j2"), lua, clean),
        Workload("configure", sh(f"cd {configure} && {hello}/configure >/dev/null 2>&1"), work,
                 sh(f"rm -rf {configure}; mkdir {configure}")),
        Workload("exec2000", sh("i=0; while [ $i -lt 2000 ]; do /bin/true; i=$((i+1)); done"),
                 work),
        Workload("pyimport", ["/usr/bin/python3", "-I", "-c",
                              "import json, ssl, decimal, email.message, http.client, sqlite3,"
                              " xml.dom.minidom, unittest, asyncio, logging.config"], work),
        Workload("grep-r", ["grep", "-rc", "zzz_absent", tree], work),
        Workload("gitstatus", ["git", "-C", tree, "status", "--porcelain"], work),
        Workload("dd-bs1", ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=1000000"], work),
        Workload("compute2t", [compute_program(work)], work),
    ]


def tools(fptrace, work):
    out = os.path.join(work, "out")
    os.makedirs(out, exist_ok=True)
    log, text = os.path.join(out, "b.fplog"), os.path.join(out, "strace.txt")
    base = [fptrace, "run", "-q", "--no-manifest", "--no-hash", "-l", log]
    table = {
        "none": [],
        "fptrace": base + ["--"],
        "fptrace filter": base + ["--stops", "filter", "--"],
        "fptrace syscall": base + ["--stops", "syscall", "--"],
        "fptrace manifest": [fptrace, "run", "-q", "-o", os.path.join(out, "m.json"), "--"],
        "strace-bpf": ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=" + STRACE_CALLS,
                       "-e", "signal=none", "-o", text],
        "strace": ["strace", "-f", "-qq", "-o", text],
        "fsatrace": ["fsatrace", "rwmdqt", os.path.join(out, "fsatrace.txt"), "--"],
        "proot": ["proot"],
        "care": ["care", "-o", os.path.join(out, "care.tar")],
        "cde": ["cde", "-o", os.path.join(out, "cde")],
        "bear": ["bear", "--output", os.path.join(out, "bear.json"), "--"],
    }
    return {name: argv for name, argv in table.items() if not argv or shutil.which(argv[0])}


def clean_tool_output(work):
    shutil.rmtree(os.path.join(work, "out"), ignore_errors=True)
    os.makedirs(os.path.join(work, "out"))


def timed(argv, workload, work):
    if workload.before:
        subprocess.run(workload.before, check=True)
    clean_tool_output(work)
    start = time.monotonic()
    done = subprocess.run(argv + workload.argv, cwd=workload.cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=600)
    return time.monotonic() - start, done


def measure(workload, chosen, rounds, work):
    """Tool -> list of ratios; a tool that fails on a workload is left out of its row, aloud."""
    ratios = {name: [] for name in chosen}
    expected = None
    for round_number in range(rounds + 1):  # the first one warms up
        reference = None
        for name, argv in chosen.items():
            if ratios[name] is None:
                continue
            try:
                seconds, done = timed(argv, workload, work)
            except subprocess.TimeoutExpired:
                ratios[name] = None
                continue
            if name == "none":
                expected, reference = done.returncode, seconds
            elif done.returncode != expected:
                print(f"peers: {name} on {workload.name}: exit {done.returncode}, untraced"
                      f" {expected}: {done.stderr.decode(errors='replace')[-300:]}",
                      file=sys.stderr)
                ratios[name] = None
                continue
            if round_number > 0:
                ratios[name].append(seconds / reference)
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fptrace", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--work", default="/tmp/fptrace-bench")
    parser.add_argument("--only", default="")
    parser.add_argument("--tools", default="")
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    chosen = tools(os.path.abspath(args.fptrace), args.work)
    if args.tools:
        wanted = ["none"] + args.tools.split(",")
        chosen = {name: chosen[name] for name in wanted if name in chosen}
    rows = [w for w in workloads(args.work) if not args.only or w.name in args.only.split(",")]
    results = {}
    for workload in rows:
        print(f"peers: {workload.name} ...", file=sys.stderr)
        results[workload.name] = measure(workload, chosen, args.rounds, args.work)
    print(f"wall time traced/untraced, median of {args.rounds} interleaved rounds, "
          f"{os.cpu_count()} CPUs, Linux {os.uname().release}\n")
    print("| tool | " + " | ".join(w.name for w in rows) + " |")
    print("|---|" + "---|" * len(rows))
    for name in chosen:
        cells = []
        for workload in rows:
            values = results[workload.name][name]
            cells.append(f"{statistics.median(values):.2f}" if values else "-")
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\nCommand lines:")
    for name, argv in chosen.items():
        if argv:
            print(f"  {name}: {' '.join(os.path.basename(a) if a == argv[0] else a for a in argv)}"
                  " COMMAND")


if __name__ == "__main__":
    main()
