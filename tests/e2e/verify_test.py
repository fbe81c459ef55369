#!/usr/bin/env python3
"""A traced program, a root directory with all that it used, and what verify, diff and query say of them."""

import csv
import json
import os
import shutil
import stat
import subprocess
import sys

import harness
from harness import FPTRACE, check, compile_c, need, run

LIBRARY = "int old_one(void) { return 1; }\nint new_one(void) { return 2; }\n"
PROGRAM = r"""
#include <stdio.h>
int old_one(void);
int new_one(void);
int main(int argc, char **argv) {
  if (argc < 2) return 2;
  FILE *f = fopen(argv[1], "r"), *none = fopen("never.conf", "r");
  return f && !none && fgetc(f) == 'd' && old_one() + new_one() == 3 ? 0 : 1;
}
"""


def versioned_library(scratch, path, soname, versions, text):
    """`versions`: {version: [symbols]}, later ones inheriting from earlier ones."""
    script = scratch.dir / "versions.map"
    lines, before = [], ""
    for version, symbols in versions.items():
        lines.append(f"{version} {{ global: {' '.join(s + ';' for s in symbols)} }}{before};")
        before = f" {version}"
    script.write_text("\n".join(lines))
    built = compile_c(scratch, "built.so", text, "-shared", "-fPIC", "-nostdlib",
                      f"-Wl,--version-script={script}", f"-Wl,-soname,{soname}")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(built, path)


class System:
    """The program in a directory of its own, its manifest, and a root with copies of all of it."""

    def __init__(self, scratch, mode):
        self.scratch = scratch
        self.work = scratch.work()
        versioned_library(scratch, self.work / "libver.so.1", "libver.so.1",
                          {"VER_1": ["old_one"], "VER_2": ["new_one"]}, LIBRARY)
        app = compile_c(scratch, "app", PROGRAM, str(self.work / "libver.so.1"), "-Wl,-rpath,$ORIGIN")
        shutil.move(app, self.work / "app")
        (self.work / "data-1").write_text("data")
        (self.work / "data").symlink_to("data-1")
        command = scratch.traced(mode, [self.work / "app", "data"], "--with-processes")
        traced = run(command, cwd=self.work)
        check(traced.status == 0, f"{command}: {traced}")
        self.manifest = json.loads(scratch.manifest.read_text())
        self.root = scratch.dir / "root"
        self.copy()

    def at(self, path):
        return self.root / str(path).lstrip("/")

    def copy(self):
        shutil.rmtree(self.root, ignore_errors=True)
        links = {link for f in self.manifest["files"] for link in f.get("links", [])}
        for link in sorted(links):
            self.at(link).parent.mkdir(parents=True, exist_ok=True)
            self.at(link).symlink_to(os.readlink(link))
        for f in self.manifest["files"]:
            path = self.at(f["path"])
            if f.get("type", "file") == "directory":
                path.mkdir(parents=True, exist_ok=True)
            elif f.get("type", "file") == "file" and not f["path"].startswith("/proc"):
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(f["path"], path)

    def verify(self, *options, status):
        command = [FPTRACE, "verify", "--json", "--root", self.root, *options, self.scratch.manifest]
        done = run(command)
        check(done.status == status, f"{command}: {done}")
        check(done.stderr == b"", f"said in a pipe: {done.stderr!r}")
        again = run(command)
        check(again.stdout == done.stdout, "two reports differ")
        return json.loads(done.stdout)

    def finds(self, problem, path, *options, **more):
        """That and nothing else is wrong."""
        report = self.verify(*options, status=1)
        found = [f for f in report["findings"] if f["problem"] == problem and f["path"] == str(path)
                 and all(f.get(k) == v for k, v in more.items())]
        check(found and len(report["findings"]) == len(found), f"{problem} {path} {more}: {report}")
        return found[0]


def verify_finds_each(scratch, mode):
    need("gcc")
    system = System(scratch, mode)
    work, at = system.work, system.at
    report = system.verify(status=0)
    check(report["checked"]["files"] > 3, f"too few files: {report}")
    system.verify("--abi", status=0)
    steps = 2

    def flip(path):
        content = bytearray(at(path).read_bytes())
        content[-1] ^= 1
        at(path).write_bytes(content)

    libc = next(f["path"] for f in system.manifest["files"] if f.get("elf", {}).get("soname") == "libc.so.6")

    def old_libc():
        versioned_library(scratch, at(libc), "libc.so.6", {"GLIBC_2.2.5": ["old_one", "new_one"]}, LIBRARY)

    def old_library():
        versioned_library(scratch, at(work / "libver.so.1"), "libver.so.1", {"VER_1": ["old_one", "new_one"]}, LIBRARY)

    def rebuilt_library():
        versioned_library(scratch, at(work / "libver.so.1"), "libver.so.1",
                          {"VER_1": ["old_one"], "VER_2": ["new_one"]}, LIBRARY + "int more;\n")

    def appear():
        at(work / "never.conf").write_text("")

    lib, data = work / "libver.so.1", work / "data-1"
    cases = [
        # (what happens, what is found), for content and for --abi; None: nothing is
        (lambda: flip(lib), ("changed", lib), None),
        (rebuilt_library, ("changed", lib), None),
        (lambda: flip(work / "app"), ("changed", work / "app"), ("changed", work / "app")),
        (lambda: flip(data), ("changed", data), ("changed", data)),
        (lambda: at(data).unlink(), ("missing", data), ("missing", data)),
        (lambda: at(work / "data").unlink(), ("broken-link", data), ("broken-link", data)),
        (lambda: at(work / "app").chmod(0o644), ("mode", work / "app"), ("mode", work / "app")),
        (appear, ("appeared", work / "never.conf"), ("appeared", work / "never.conf")),
    ]
    for change, content, abi in cases:
        system.copy()
        change()
        system.finds(*content)
        system.finds(*abi, "--abi") if abi else system.verify("--abi", status=0)
        steps += 2

    system.copy()
    old_library()
    unmet = system.finds("unmet", work / "app", "--abi", expected="libver.so.1(VER_2)(64bit)")
    check(unmet["at"] == str(lib), f"{unmet}")

    system.copy()
    old_libc()
    report = system.verify("--abi", status=1)
    wanted = [f for f in report["findings"] if f["problem"] == "unmet" and f["expected"] == "libc.so.6(GLIBC_2.34)(64bit)"
              and f["path"] == str(work / "app") and f["at"] == libc]
    check(len(wanted) == 1 and all(f["problem"] == "unmet" for f in report["findings"]), f"{report}")
    package = wanted[0].get("package", {}).get("name")
    check(package in (None, "libc6"), f"{wanted}")
    both = system.verify(status=1)
    check({"changed", "unmet"} == {f["problem"] for f in both["findings"]}, f"{both}")

    # Where else the loader of that root would find it, without a cache, too.
    system.copy()
    at("/opt/lib").mkdir(parents=True)
    shutil.move(at(lib), at("/opt/lib/libver.so.1"))
    at("/etc/ld.so.cache").unlink(missing_ok=True)
    at("/etc/ld.so.conf.d").mkdir(parents=True)
    at("/etc/ld.so.conf").write_text("include /etc/ld.so.conf.d/*.conf\n")
    at("/etc/ld.so.conf.d/opt.conf").write_text("# ours\n/opt/lib\n")
    system.verify("--abi", status=0)

    system.copy()
    at(lib).unlink()
    system.finds("no-library", work / "app", "--abi", expected="libver.so.1")
    return f"{steps + 5} verifications"


def versions_of_packages(scratch, mode):
    """The root's package database says which version is there."""
    need("gcc")
    system = System(scratch, mode)
    libc = next(f for f in system.manifest["files"] if f.get("elf", {}).get("soname") == "libc.so.6")
    if "package" not in libc:
        raise harness.Skip("libc.so.6 is of no package here")
    system.at("/var/lib/dpkg").mkdir(parents=True)
    system.at("/var/lib/dpkg/status").write_text(
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.19-1\n")
    system.at(libc["path"]).unlink()
    command = [FPTRACE, "verify", "--root", system.root, scratch.manifest]
    said = run(command)
    wanted = f"libc6 2.19-1 here, manifest has {libc['package']['version']}"
    check(said.status == 1 and wanted.encode() in said.stdout, f"{wanted}: {said}")


def csv_lines(scratch, mode):
    """Many at once: one header, one whole line for each."""
    need("gcc")
    system = System(scratch, mode)
    odd = scratch.dir / 'a "b", c.json'
    shutil.copy(scratch.manifest, odd)
    out = scratch.dir / "out.csv"
    command = [FPTRACE, "verify", "-q", "--root", system.root, "--csv", out, odd]
    runs = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for _ in range(12)]
    check(all(r.wait(60) == 0 for r in runs), "a verification failed")
    check(out.read_bytes().count(b"\r\n") == 13, f"{out.read_bytes()!r}")
    with open(out, newline="") as f:
        rows = list(csv.DictReader(f))
    check(len(rows) == 12, f"{len(rows)} lines")
    check(all(r["manifest"] == str(odd) and r["result"] == "ok" and r["changed"] == "0" for r in rows), f"{rows}")
    failed = run([FPTRACE, "verify", "-q", "--csv", scratch.dir / "none" / "out.csv", odd])
    check(failed.status == 125 and b"out.csv" in failed.stderr, f"{failed}")
    # A full disk leaves no part of a line.
    full = run([FPTRACE, "verify", "-q", "--root", system.root, "--csv", "/dev/full", odd])
    check(full.status == 125 and b"/dev/full" in full.stderr, f"{full}")


def forms_of_manifests(scratch, mode):
    """JSON, protobuf and an event log say the same."""
    need("gcc")
    system = System(scratch, mode)
    command = scratch.traced(mode, [system.work / "app", "data"], "-l", scratch.dir / "run.fplog", "--with-processes")
    check(run(command, cwd=system.work).status == 0, f"{command}")
    log, pb = scratch.dir / "run.fplog", scratch.dir / "run.pb"
    made = run([FPTRACE, "manifest", "--with-processes", "--format", "pb", "-o", pb, log])
    check(made.status == 0, f"{made}")
    for other in (log, pb):
        done = run([FPTRACE, "diff", scratch.manifest, other])
        check(done.status == 0 and done.stdout == b"", f"{other}: {done}")
        same = run([FPTRACE, "manifest", "diff", "--json", other, scratch.manifest])
        check(same.status == 0 and json.loads(same.stdout)["equal"], f"{other}: {same}")
        done = run([FPTRACE, "verify", "--root", system.root, other])
        check(done.status == 0, f"{other}: {done}")
    for options in (["show"], ["show", "--json"]):
        texts = [run([FPTRACE, "manifest", *options, f]) for f in (scratch.manifest, log, pb)]
        check(all(t.status == 0 and t.stdout for t in texts), f"{texts}")
    text = texts[0].stdout.decode()
    check(json.loads(text)["groups"]["programs"] == [str(system.work / "app")], text)


def queries(scratch, mode):
    need("gcc")
    system = System(scratch, mode)
    app, lib = str(system.work / "app"), str(system.work / "libver.so.1")

    def ask(*words, status=0):
        done = run([FPTRACE, "manifest", "query", "--json", scratch.manifest, *words])
        check(done.status == status, f"{words}: {done}")
        return json.loads(done.stdout)["answers"]

    libc = ask("--soname", "libc.so.6")[0]["files"][0]
    check(libc["chains"][0][0] == {"path": app} and libc["chains"][0][-1]["how"] == "needed", f"{libc}")
    check(libc["processes"][0]["argv"] == [app, "data"], f"{libc}")
    symbol = ask("--symbol", "VER_2")[0]
    check([f["path"] for f in symbol["files"]] == [lib], f"{symbol}")
    check(symbol["required_by"] == [{"object": app, "requirement": "libver.so.1(VER_2)(64bit)"}], f"{symbol}")
    by_link = ask(str(system.work / "data"))[0]["files"][0]
    check(by_link["path"] == str(system.work / "data-1") and by_link["opened_by"] == [app], f"{by_link}")
    check(ask("never.conf")[0]["missing"][0]["errno"] == "ENOENT", "missing")
    check(not ask("no-such-file", status=1)[0]["found"], "found what is not there")
    text = run([FPTRACE, "manifest", "query", scratch.manifest, lib])
    check(f"{app} -(needed)-> {lib}".encode() in text.stdout, f"{text}")


def differences(scratch, mode):
    need("gcc")
    system = System(scratch, mode)
    first = scratch.dir / "first.json"
    shutil.copy(scratch.manifest, first)
    (system.work / "data-1").write_text("data, but more")
    run(scratch.traced(mode, [system.work / "app", "data"]), cwd=system.work)
    done = run([FPTRACE, "diff", "--json", first, scratch.manifest])
    check(done.status == 1, f"{done}")
    report = json.loads(done.stdout)
    check([f["name"] for f in report["files"]] == [str(system.work / "data-1")], f"{report}")
    check({f["field"] for f in report["files"][0]["fields"]} == {"size", "sha256"}, f"{report}")
    check(all(not report[s] for s in ("run", "packages", "symbols", "missing", "environment")), f"{report}")
    text = run([FPTRACE, "diff", first, scratch.manifest])
    check(b"size: 4 -> 14" in text.stdout, f"{text}")


def bad_input(scratch, mode):
    """An error that names the file and the field, whatever is done with it; nothing is written."""
    work = scratch.work()
    run(scratch.traced(mode, ["true"]), cwd=work)
    good = scratch.manifest.read_text()
    manifest = json.loads(good)

    def changed(**members):
        return json.dumps({**manifest, **members})

    file = manifest["files"][0]
    cases = {
        "truncated": (good[:-100], "not JSON"),
        "empty": ("", "not JSON"),
        "no manifest": ("[1, 2]", "not an object"),
        "other JSON": ("{}", "schema: is missing"),
        "other schema": (changed(schema="fptrace.manifest/99"), 'schema: "fptrace.manifest/99" is not known'),
        "twice": (changed(files=[file, file]), "files[1].path:"),
        "escape": (changed(files=[{**file, "path": "/usr/../../etc/passwd"}]), "files[0].path:"),
        "relative": (changed(missing=[{"path": "etc/x", "errno": "ENOENT"}]), "missing[0].path:"),
        "size": (changed(files=[{**file, "size": -1}]), "files[0].size:"),
        "binary": ("\n\x99\x00\x01garbage", ""),
    }
    verbs = (["verify"], ["diff", scratch.manifest], ["manifest", "show"], ["manifest", "query", "--symbol", "X"])
    for name, (text, wanted) in cases.items():
        bad = work / f"{name}.json"
        bad.write_text(text)
        for verb in verbs:
            done = run([FPTRACE, *verb, bad], cwd=work)
            check(done.status == 125 and done.stdout == b"", f"{name}, {verb}: {done}")
            said = done.stderr.decode()
            check(str(bad) in said and wanted in said and said.count("\n") == 1, f"{name}, {verb}: {said}")
        bad.unlink()
    done = run([FPTRACE, "verify", "--csv", work / "x.csv", "--root", work / "none", scratch.manifest])
    check(done.status == 125 and f"open root {work}/none: No such file".encode() in done.stderr, f"{done}")
    closed = work / "closed"
    closed.mkdir(mode=0)
    if not os.access(closed, os.R_OK):
        done = run([FPTRACE, "verify", "--root", closed, scratch.manifest])
        check(done.status == 125 and b"closed: Permission denied" in done.stderr, f"{done}")
    for usage in (["verify"], ["verify", "a", "b"], ["verify", "--abi", "--content", "a"], ["diff", "a"],
                  ["manifest", "show"], ["manifest", "query"], ["manifest", "query", scratch.manifest],
                  ["manifest", "show", "--symbol", "x", "a"], ["manifest", "--json", "a"],
                  ["manifest", "diff", "--format", "pb", "a", "b"]):
        done = run([FPTRACE, *usage])
        check(done.status == 2, f"{usage}: {done}")
    left = [p.name for p in work.iterdir()]
    check(left == ["closed"], f"written: {left}")


def hostile_root(scratch, mode):
    """A root whose links lead outside, and whose files are none."""
    need("gcc")
    system = System(scratch, mode)
    data = system.at(system.work / "data-1")
    data.unlink()
    data.symlink_to(system.work / "data-1")  # leads to itself, inside the root
    system.finds("missing", system.work / "data-1")
    data.unlink()
    os.mkfifo(data)
    found = system.finds("type", system.work / "data-1")
    check(found["found"] == "fifo" and stat.S_ISFIFO(data.stat().st_mode), f"{found}")
    data.unlink()
    top = system.at("/" + str(system.work).split("/")[1])
    shutil.rmtree(top)
    top.symlink_to("/" + "../" * 30 + str(system.work).split("/")[1])
    report = system.verify(status=1)
    check(report["counts"]["missing"] > 0, f"{report}")


if __name__ == "__main__":
    sys.exit(harness.main({f.__name__: f for f in (
        verify_finds_each, versions_of_packages, csv_lines, forms_of_manifests, queries, differences,
        bad_input, hostile_root)}))
