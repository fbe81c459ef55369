#!/usr/bin/env python3
"""fptrace files, tree and --graph on traces of real programs."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import harness
from harness import FPTRACE, Failure, check

UTF8 = {**os.environ, "LC_ALL": "C.UTF-8"}


def fptrace(*args, env=None, status=0):
    made = harness.run([FPTRACE, *args], env=env or UTF8)
    check(made.status == status, f"{args}: {made}")
    return made


def trace(scratch, mode, argv, *options, timeout=60):
    log = scratch.dir / "run.fplog"
    done = harness.run(scratch.traced(mode, argv, "-l", str(log), *options), cwd=scratch.work(), timeout=timeout)
    check(done.status == 0, str(done))
    return log


def without_pids(text):
    return re.sub(r"(?m)^([│├└─ ]*)\d+ ", r"\1", text)


def on_terminal(argv, columns):
    """What it prints on a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=slave, env=UTF8) as process:
        os.close(slave)
        out = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            out += part
    os.close(master)
    check(process.returncode == 0, f"{argv}: {process.returncode}")
    return out.decode().replace("\r\n", "\n")


def tree_of_a_shell(scratch, mode):
    log = trace(scratch, mode, ["sh", "-c", "(exit 3); ls / >/dev/null | env sort; sh -c 'kill -9 $$'; true"])
    text = without_pids(fptrace("tree", log).stdout.decode())
    want = ["├─ (sh) [3]", "├─ ls / [0]", "├─ env sort → sort [0]", "├─ sh -c 'kill -9 $$' [SIGKILL]"]
    for line in want[:3]:
        check(line in text, f"{line!r} not in\n{text}")
    check("sh -c 'kill -9 $$' [SIGKILL]" in text, text)
    plain = fptrace("tree", log, env={**os.environ, "LC_ALL": "C"}).stdout
    check(plain.isascii() and b"|- " in plain and b"env sort -> sort" in plain, plain.decode())
    check(fptrace("tree", "--ascii", log).stdout == plain, "--ascii is not as in a locale without UTF-8")
    check(b" s]" in fptrace("tree", "-t", log).stdout, "no times")


def tree_of_threads_and_a_daemon(scratch, mode):
    harness.need("python3")
    script = ("import threading, os, time\n"
              "threads = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(3)]\n"
              "[t.start() for t in threads]; [t.join() for t in threads]\n"
              "r, w = os.pipe()\n"
              "if os.fork() == 0:\n"
              "    os.setsid()\n"
              "    while os.getppid() == %d: time.sleep(0.001)\n"
              "    os._exit(0)\n")
    script = script.replace("%d", "int(os.environ['PARENT'])")
    script = "import os; os.environ['PARENT'] = str(os.getpid())\n" + script
    log = trace(scratch, mode, [sys.executable, "-c", script])
    text = fptrace("tree", log).stdout.decode()
    check("4 threads]" in text and "outlived its parent]" in text, text)
    tree = json.loads(fptrace("tree", "--json", log).stdout)["processes"]
    check(tree[0]["threads"] == 4 and tree[-1]["outlived_parent"], str(tree))
    check(tree[-1]["parent"] == tree[0]["id"] and tree[-1]["depth"] == 1, str(tree))


def tree_of_an_attached_process(scratch, mode):
    work = scratch.work()
    log = scratch.dir / "run.fplog"
    with subprocess.Popen(["sh", "-c", "echo; read line; ls / >/dev/null; exit 4"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, cwd=work) as shell:
        shell.stdout.readline()
        with subprocess.Popen([FPTRACE, "attach", "--progress", "-o", scratch.manifest, "-l", log, str(shell.pid)],
                              stderr=subprocess.PIPE) as tracer:
            status = Path(f"/proc/{shell.pid}/status")
            while f"TracerPid:\t{tracer.pid}" not in status.read_text():
                check(tracer.poll() is None, "attach ended")
            shell.stdin.write(b"go\n")
            shell.stdin.close()
            tracer.stderr.read()
            check(tracer.wait(30) == 0, "attach failed")
        check(shell.wait(30) == 4, "the shell")
    text = fptrace("tree", log).stdout.decode()
    check(f"{shell.pid} sh -c " in text.splitlines()[0] and "[4, attached]" in text, text)
    check("ls / [0]" in text, text)


def tree_of_thousands(scratch, mode):
    count = 2000
    log = trace(scratch, mode, ["sh", "-c", f"i=0; while [ $i -lt {count} ]; do (:); i=$((i+1)); done"], "--no-hash")
    lines = fptrace("tree", log).stdout.decode().splitlines()
    check(len(lines) == count + 1, f"{len(lines)} lines")
    deep = "d=$1; [ $d -gt 0 ] || exit 0; sh -c \"$2\" sh $((d-1)) \"$2\"; exit 0"
    log = trace(scratch, mode, ["sh", "-c", deep, "sh", "150", deep], "--no-hash")
    text = fptrace("tree", log).stdout.decode()
    check(len(text.splitlines()) == 151 and "\n+110 " in text, text[-500:])
    dot = fptrace("tree", "--graph", log).stdout
    check(dot.startswith(b"digraph"), "no graph")


def width_of_the_terminal(scratch, mode):
    log = trace(scratch, mode, ["sh", "-c", "ls / /usr /usr/bin /usr/lib >/dev/null; cat " + "/dev/null " * 40])
    for columns in (30, 60, 132):
        for command in (["tree", log], ["tree", "-t", log], ["files", log]):
            for line in on_terminal([FPTRACE, *command], columns).splitlines():
                check(len(line) <= columns, f"{columns}: {line!r}")
    check(max(map(len, fptrace("tree", log).stdout.decode().splitlines())) > 132, "cut in a pipe")


def files_and_filters(scratch, mode):
    work = scratch.work()
    log = scratch.dir / "run.fplog"
    done = harness.run(scratch.traced(mode, ["sh", "-c", "cat in no; ls >out"], "-l", log), cwd=work)
    check(done.status == 0, str(done))
    (work / "in").write_text("x")
    done = harness.run(scratch.traced(mode, ["sh", "-c", "cat in; cat no; ls >out"], "-l", log), cwd=work)

    def rows(*options, of=log):
        return json.loads(fptrace("files", "--json", *options, of).stdout)["files"]

    check(rows() == rows(of=scratch.manifest), "those of the log differ from those of the manifest")
    check([r["path"] for r in rows()] == sorted(r["path"] for r in rows()), "not sorted")
    by_path = {r["path"]: r for r in rows()}
    check(by_path[f"{work}/in"]["roles"] == ["data"] and by_path[f"{work}/in"]["size"] == 1, str(by_path))
    libraries = rows("--role", "library")
    check(libraries and all("library" in r["roles"] for r in libraries), str(libraries))
    check(f"{work}/in" in [r["path"] for r in rows("--program", "cat")], "in is not cat's")
    check(f"{work}/in" not in [r["path"] for r in rows("--program", "*/ls")], "in is ls's")
    check({p["name"] for r in rows("--package", "libc6") for p in r["packages"]} >= {"libc6"}, "libc6")
    check(f"{work}/no" in [r["path"] for r in rows("--missing")], "no is not missing")
    check([r["path"] for r in rows("--outputs")] == [f"{work}/out"], str(rows("--outputs")))
    text = fptrace("files", "-r", "executable", scratch.manifest).stdout.decode()
    check(text.splitlines()[0].split() == ["ROLE", "SIZE", "PATH", "PACKAGE", "PROGRAMS"], text)


def graph_is_drawn(scratch, mode):
    harness.need("dot")
    work = scratch.work()
    log = scratch.dir / "run.fplog"
    (work / "sub").mkdir()
    for name in (b"a\xffb", b'q"];x->y;', b"new\nline", b"sub/\\N<b>&amp;", "sub/é日".encode()):
        Path(os.fsdecode(os.fsencode(work) + b"/" + name)).write_bytes(name)
    done = harness.run(scratch.traced(mode, ["sh", "-c", "cat [!s]* sub/*; ls -l / | sort >/dev/null; for i in 1 2 3; do (:); done"],
                                      "-l", log), cwd=work)
    check(done.status == 0, str(done))
    for command in (["tree", "--graph", log], ["tree", "--graph", "--no-system", log], ["files", "--graph", log],
                    ["files", "--graph", scratch.manifest]):
        dot = scratch.dir / "g.dot"
        check(fptrace(*command, "-o", dot).stdout == b"", "something on standard output")
        svg = harness.run(["dot", "-Tsvg", dot])
        check(svg.status == 0 and svg.stderr == b"", f"{command}: {svg.stderr}")
        picture = svg.stdout.decode()
        for part in ("sort", "q&quot;];x&#45;&gt;y;", "a\\xffb", "new\\x0aline",
                     "\\N&lt;b&gt;&amp;amp;", "é日"):
            check(part in picture, f"{command}: {part!r} is not in the picture")
        check(("libc.so.6" in picture) == ("--no-system" not in command), f"{command}: system libraries")
        check(("(sh) ×3" in picture or "sh ×3" in picture) == (command[-1] == log), f"{command}: processes")
    png = harness.run(["dot", "-Tpng", dot])
    check(png.stdout.startswith(b"\x89PNG"), "no PNG")


def bad_input_is_refused(scratch, mode):
    log = trace(scratch, mode, ["true"])
    out = scratch.dir / "out"
    bad = scratch.dir / "bad"
    for content in (b"", b"hello", scratch.manifest.read_bytes()[:-50]):
        bad.write_bytes(content)
        check(b"event log" in fptrace("tree", "-o", out, bad, status=125).stderr, "tree")
        check(b"neither a manifest" in fptrace("files", "-o", out, bad, status=125).stderr, "files")
        check(not out.exists(), "something was written")
    bad.write_bytes(log.read_bytes()[:log.stat().st_size * 6 // 10])
    cut = fptrace("tree", bad, status=125)
    check(b"cut short" in cut.stderr or b"damaged" in cut.stderr, str(cut))
    fptrace("files", bad, status=125)
    for args, said in ((["tree"], b"name one event log"), (["tree", "--json", "--graph", log], b"exclude"),
                       (["tree", "-o", log, log], b"would replace"), (["files"], b"name one manifest"),
                       (["files", "--role", "friend", log], b"no role 'friend'"),
                       (["files", "--missing", "--role", "data", log], b"--role, --program"),
                       (["files", "--graph", "--outputs", log], b"--graph")):
        check(said in fptrace(*args, status=2).stderr, f"{args}")
    check(b"tree: write " in fptrace("tree", "-o", scratch.dir / "no" / "x", log, status=125).stderr, "no dir")
    check(not [n for n in os.listdir(scratch.dir) if n.startswith(".fptrace")], "a draft was left behind")


if __name__ == "__main__":
    sys.exit(harness.main({f.__name__: f for f in (
        tree_of_a_shell, tree_of_threads_and_a_daemon, tree_of_an_attached_process, tree_of_thousands,
        width_of_the_terminal, files_and_filters, graph_is_drawn, bad_input_is_refused)}))
