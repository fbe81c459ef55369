"""`fptrace manifest --static`, and the rules by which libraries are found: held to what the loaders
of this machine and readelf say, and to traces of the same programs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import harness
from harness import check, need

LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")


def static(scratch, *files, options=(), status=0):
    """The manifest and what was said. Every manifest is made twice: they must not differ."""
    made = []
    for cwd in ("/", scratch.dir):
        done = harness.run([harness.FPTRACE, "manifest", "--static", *options, *files], cwd=cwd,
                           timeout=90)
        check(done.status == status, f"status {done.status}, not {status}: {done.stderr!r}")
        made.append(done)
    check(made[0].stdout == made[1].stdout, f"two closures of {files} differ")
    check(made[0].stderr == made[1].stderr, f"two closures of {files} complain differently")
    return json.loads(made[0].stdout) if status == 0 else None, made[0].stderr.decode()


def traced(scratch, mode, argv, env=None):
    done = harness.run(scratch.traced(mode, argv), env={**os.environ, **(env or {})})
    check(done.status == 0, f"{argv}: {done.status} {done.stderr!r}")
    return json.loads(scratch.manifest.read_text())


def rules(manifest):
    """{path of a library: (linkage, rule)}"""
    return {f["path"]: (f.get("linkage"), f.get("found_by")) for f in manifest["files"]
            if "library" in f["roles"]}


def gcc(scratch, output, text, *options, compiler="gcc"):
    output.parent.mkdir(parents=True, exist_ok=True)
    source = scratch.dir / "source.c"
    source.write_text(text)
    built = harness.run([compiler, "-o", output, source, *options], timeout=60)
    check(built.status == 0, f"{compiler}: {built.stderr!r}")
    return output


def elf_files(directory, magic=b"\x7fELF"):
    for path in sorted(directory.iterdir()):
        if path.is_file() and os.access(path, os.R_OK):
            with open(path, "rb") as f:
                if f.read(len(magic)) == magic:
                    yield path


def bad_input(scratch, mode):
    short = scratch.dir / "short"
    short.write_bytes(Path("/bin/ls").read_bytes()[:3000])
    text = scratch.dir / "text"
    text.write_text("no program\n")
    loop = scratch.dir / "loop"
    loop.symlink_to("loop")
    itself = scratch.dir / "itself"
    itself.write_text(f"#!{itself}\n")
    script_of_text = scratch.dir / "script"
    script_of_text.write_text(f"#!{text}\n")
    pipe = scratch.dir / "pipe"
    os.mkfifo(pipe)
    output = scratch.dir / "out.json"
    for path, status, words in (
            (scratch.dir / "none", 127, "No such file"), (text / "below", 127, "Not a directory"),
            (scratch.dir, 126, "Is a directory"), (text, 126, "neither a script"),
            (short, 126, "outside the file"), (loop, 126, "Too many levels"),
            (itself, 126, "too many interpreters"), (script_of_text, 126, "is not a program"),
            (pipe, 126, "not a regular file")):
        for files in ([path], ["/bin/ls", path]):
            _, said = static(scratch, *files, options=("-o", output), status=status)
            check(words in said and str(path) in said, f"{path}: {said!r}")
            check(not output.exists(), f"{path}: a manifest was written")
    for arguments in (["--static"], ["--root", "/", "x"], ["--static", "--with-times", "/bin/ls"]):
        done = harness.run([harness.FPTRACE, "manifest", *arguments])
        check(done.status == 2, f"{arguments}: {done.status}")
    done = harness.run([harness.FPTRACE, "manifest", "--static", "--root", text, "/bin/ls"])
    check(done.status == 125 and b"--root" in done.stderr, f"{done}")


def as_the_loader_lists(scratch, mode):
    """Of the programs in /usr/bin, up to 300, evenly spread: `ld.so --list` finds the same files."""
    loader = "/lib64/ld-linux-x86-64.so.2"
    need(loader)
    programs = list(elf_files(Path("/usr/bin"), b"\x7fELF\x02"))
    programs = programs[::len(programs) // 300 + 1]
    listed = {}
    for program in programs:
        done = harness.run([loader, "--list", program])
        if done.status != 0:
            continue  # static
        found = re.findall(rb"(?:=> |\t)(/\S+) \(0x", done.stdout)
        listed[os.path.realpath(program)] = {os.path.realpath(os.fsdecode(f)) for f in found}
    manifest, said = static(scratch, *listed)
    mine = {program: set() for program in listed}
    for file in manifest["files"]:
        if "library" in file["roles"] and file.get("linkage") != "dlopen":
            for program in file.get("opened_by", []):
                mine.setdefault(program, set()).add(file["path"])
    different = [f"{p}: only ld.so {sorted(listed[p] - mine[p])}, only fptrace {sorted(mine[p] - listed[p])}"
                 for p in listed if mine[p] != listed[p]]
    check(len(listed) > 20, f"only {len(listed)} programs")
    check(not different, "\n".join(different) + said)
    return f"{len(listed)} of {len(listed)} programs"


def readelf(paths):
    """{path: (soname, needed, build id, requires, provides)} as `readelf` has it."""
    done = harness.run(["readelf", "-W", "-h", "-d", "-n", "-V", *paths], timeout=120)
    out = {}
    for text in re.split(r"^File: ", "\n" + done.stdout.decode(errors="replace"), flags=re.M)[1:]:
        path, text = text.split("\n", 1)
        wide = "(64bit)" if "ELF64" in text else ""
        spell = lambda name, version="": f"{name}({version}){wide}" if wide or version else name
        soname = "".join(re.findall(r"\(SONAME\).*\[(.*)\]", text))
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
        requires = {spell(n) for n in needed}
        library = ""
        needs = text[text.find("Version needs section"):] if "Version needs section" in text else ""
        for line in needs.splitlines():
            if m := re.search(r"File: (\S+)  Cnt:", line):
                library = m[1]
            elif m := re.search(r"Name: (\S+)  Flags:.*Version:", line):
                requires.add(spell(library, m[1]))
        provides = {spell(soname)} if soname else set()
        if soname and "Version definition section" in text:
            definitions = text[text.find("Version definition section"):].split("\n\n")[0]
            for flags, name in re.findall(r"Rev: .*Flags: (.*?) +Index: .*Name: (\S+)", definitions):
                if "BASE" not in flags:
                    provides.add(spell(soname, name))
        build_id = re.findall(r"Build ID: ([0-9a-f]+)", text)
        out[path] = (soname, needed, build_id[-1] if build_id else "", sorted(requires), sorted(provides))
    return out


def as_readelf_reads(scratch, mode):
    """All libraries of /usr/lib/x86_64-linux-gnu."""
    need("readelf")
    if not LIBRARIES.is_dir():
        raise harness.Skip(f"no {LIBRARIES}")
    paths = {str(p.resolve()) for p in elf_files(LIBRARIES) if ".so" in p.name}
    expected = readelf(sorted(paths))
    check(len(expected) == len(paths), f"readelf tells of {len(expected)} of {len(paths)}")
    done = harness.run([harness.FPTRACE, "manifest", "--static", *sorted(paths)], timeout=90)
    check(done.status == 0, done.stderr)
    different = []
    for file in json.loads(done.stdout)["files"]:
        if file["path"] not in expected:
            continue
        elf = file["elf"]
        mine = (elf.get("soname", ""), elf.get("needed", []), elf.get("build_id", ""),
                elf["requires"], elf["provides"])
        theirs = expected.pop(file["path"])
        if mine != theirs:
            different.append(f"{file['path']}: {mine} instead of {theirs}")
    check(not different, f"{len(different)}:\n" + "\n".join(different[:5]))
    check(not expected, f"not in the manifest: {list(expected)[:5]}")
    return f"{len(paths)} of {len(paths)} libraries"


def find_the_same(scratch, mode, program, expected, env=None, options=()):
    """The trace of a program and its static closure name the same rules, and these."""
    of_trace, of_closure = rules(traced(scratch, mode, [program], env)), rules(static(scratch, program, options=options)[0])
    check(of_trace == of_closure, f"trace: {of_trace}\nclosure: {of_closure}")
    for path, rule in expected.items():
        check(of_trace.get(str(path)) == rule, f"{path}: {of_trace.get(str(path))}, not {rule}")


def build_libraries(scratch, *options, compiler="gcc"):
    """bin/; l1/libone.so, which needs l2/libtwo.so."""
    d = scratch.dir.resolve()
    two = gcc(scratch, d / "l2/libtwo.so", "int two(void) { return 2; }", "-shared", "-fPIC",
              "-Wl,-soname,libtwo.so", *options, compiler=compiler)
    one = gcc(scratch, d / "l1/libone.so", "int two(void); int one(void) { return two() - 1; }",
              "-shared", "-fPIC", "-Wl,-soname,libone.so", *options, two, compiler=compiler)
    return d, one, two


MAIN = "int one(void); int main(void) { return one() - 1; }"


def rules_of_glibc(scratch, mode, options=()):
    need("gcc")
    d, one, two = build_libraries(scratch, *options)
    link = [*options, one, "-Wl,--allow-shlib-undefined", f"-Wl,-rpath-link,{two.parent}"]
    old, new = "-Wl,--disable-new-dtags", "-Wl,--enable-new-dtags"
    # DT_RPATH reaches what a library needs, DT_RUNPATH does not.
    a = gcc(scratch, d / "bin/rpath", MAIN, *link, old, f"-Wl,-rpath,$ORIGIN/../l1:{d}/l2")
    find_the_same(scratch, mode, a, {one: ("needed", f"rpath of {a}: $ORIGIN/../l1"),
                                     two: ("needed", f"rpath of {a}: {d}/l2")})
    b = gcc(scratch, d / "bin/runpath", MAIN, *link, new, "-Wl,-rpath,${ORIGIN}/../l1:" + f"{d}/l2")
    _, said = static(scratch, b)
    check(f"libtwo.so, needed by {one}, is not found" in said, said)
    check(harness.run([b]).status == 127, "the loader finds what it should not")
    find_the_same(scratch, mode, b, {one: ("needed", f"runpath of {b}: ${{ORIGIN}}/../l1"),
                                     two: ("needed", f"LD_LIBRARY_PATH: {d}/l2")},
                  {"LD_LIBRARY_PATH": f"/none:{d}/l2"}, ["--library-path", f"/none:{d}/l2"])
    # A library without a soname is needed by the name it was linked by.
    gcc(scratch, d / "l3/libthree.so", "int three(void) { return 3; }", "-shared", "-fPIC", *options)
    c = gcc(scratch, d / "bin/named", "int three(void); int main(void) { return three() - 3; }",
            *options, d / "l3/libthree.so")
    find_the_same(scratch, mode, c, {d / "l3/libthree.so": ("needed", "absolute name")})
    return d, one, two, link


def rules_64(scratch, mode):
    d, one, two, link = rules_of_glibc(scratch, mode)
    # A library for better processors, where this is one; one of another class is passed over.
    a = gcc(scratch, d / "bin/hwcaps", MAIN, *link, "-Wl,--disable-new-dtags",
            f"-Wl,-rpath,{d}/wrong:{d}/l1:{d}/l2")
    special = d / "l1/glibc-hwcaps/x86-64-v2/libone.so"
    special.parent.mkdir(parents=True)
    shutil.copy(one, special)
    (d / "wrong").mkdir()
    text = bytearray(one.read_bytes())
    text[18:20] = b"\xb7\x00"  # EM_AARCH64
    (d / "wrong/libone.so").write_bytes(text)
    cpu = Path("/proc/cpuinfo").read_text()
    rule = f"rpath of {a}: {d}/l1"
    expected = {special: ("needed", f"{rule} (glibc-hwcaps/x86-64-v2)")} if "sse4_2" in cpu else {
        one: ("needed", rule)}
    find_the_same(scratch, mode, a, expected)


def rules_32(scratch, mode):
    if not Path("/lib/ld-linux.so.2").exists():
        raise harness.Skip("no 32-bit C library")
    harness.need_ia32(scratch)
    rules_of_glibc(scratch, mode, ["-m32"])


def rules_musl(scratch, mode):
    need("musl-gcc")
    d, one, two = build_libraries(scratch, compiler="musl-gcc")
    # Both kinds of path reach what a library needs.
    a = gcc(scratch, d / "bin/a", MAIN, one, "-Wl,--allow-shlib-undefined", "-Wl,--enable-new-dtags",
            f"-Wl,-rpath,$ORIGIN/../l1:{d}/l2", compiler="musl-gcc")
    find_the_same(scratch, mode, a, {one: ("needed", f"runpath of {a}: $ORIGIN/../l1"),
                                     two: ("needed", f"runpath of {a}: {d}/l2")})
    find_the_same(scratch, mode, a, {two: ("needed", f"LD_LIBRARY_PATH: {d}/l2")},
                  {"LD_LIBRARY_PATH": f"{d}/l2"}, ["--library-path", f"{d}/l2"])


def dlopened(scratch, mode):
    """By name and by path, and what a dlopen note says about it."""
    need("gcc")
    d, one, two = build_libraries(scratch)
    note = json.dumps([{"soname": ["libnone.so", "libtwo.so"], "priority": "required"},
                       {"soname": ["libwish.so"], "priority": "suggested"},
                       {"soname": ["libmust.so"], "priority": "required"}])
    assembler = f'''
#include <dlfcn.h>
#include <stddef.h>
__asm__(".pushsection .note.dlopen,\\"a\\",@note\\n.balign 4\\n.long 4,2f-1f,0x407c0c0a\\n"
        ".asciz \\"FDO\\"\\n1:.asciz {json.dumps(json.dumps(note))[1:-1]}\\n2:.balign 4\\n.popsection");
int main(int argc, char** argv) {{
  for (int i = 1; i < argc; ++i)
    if (dlopen(argv[i], RTLD_NOW) == NULL) return 1;
  return 0;
}}'''
    a = gcc(scratch, d / "bin/a", assembler, "-Wl,--enable-new-dtags", f"-Wl,-rpath,{d}/l2")
    manifest, said = static(scratch, a)
    check(rules(manifest).get(str(two)) == ("dlopen", f"runpath of {a}: {d}/l2"), f"{rules(manifest)}")
    check("libmust.so" in said and "libwish.so" not in said and "libnone.so" not in said, said)
    missing = {m["path"] for m in manifest["missing"]}
    check({f"{d}/l2/libmust.so", f"{d}/l2/libwish.so"} <= missing, f"{missing}")
    cached = "libgcc_s.so.1"
    found = rules(traced(scratch, mode, [a, "libtwo.so", cached], {}))
    check(found.get(str(two)) == ("dlopen", f"runpath of {a}: {d}/l2"), f"{found}")
    gcc_library = next(p for p in found if cached in p)
    check(found[gcc_library] == ("dlopen", "ld.so.cache"), f"{found[gcc_library]}")
    found = rules(traced(scratch, mode, [a, gcc_library], {}))
    check(found[gcc_library] == ("dlopen", "absolute name"), f"{found[gcc_library]}")


def preloaded(scratch, mode):
    need("gcc")
    d, one, two = build_libraries(scratch)
    env = {"LD_PRELOAD": f"{two} libone.so", "LD_LIBRARY_PATH": f"{d}/l1"}
    found = rules(traced(scratch, mode, ["/bin/true"], env))
    check(found.get(str(two)) == ("preload", "LD_PRELOAD: absolute name"), f"{found}")
    check(found.get(str(one)) == ("preload", f"LD_PRELOAD: LD_LIBRARY_PATH: {d}/l1"), f"{found}")


def in_a_root(scratch, mode):
    """A copy of a program with its libraries: nothing outside is looked at."""
    here, _ = static(scratch, "/bin/ls")
    root = scratch.dir / "root"
    for file in here["files"]:
        place = Path(f"{root}{file['path']}")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file["path"], place)
    links = {link for file in here["files"] for link in file.get("links", [])}
    for link in sorted(links):
        Path(f"{root}{link}").parent.mkdir(parents=True, exist_ok=True)
        Path(f"{root}{link}").symlink_to(os.readlink(link))
    there, said = static(scratch, "/bin/ls", options=("--root", root))
    plain = lambda m: [(f["path"], f.get("sha256"), f.get("links"), f.get("found_by")) for f in m["files"]]
    check(not said and plain(here) == plain(there), f"{said}\n{plain(here)}\n{plain(there)}")
    # Without a cache ld.so.conf counts, and an absolute link stays inside.
    (root / "etc/ld.so.cache").unlink()
    (root / "etc/ld.so.conf").write_text("include ld.so.conf.d/*.conf\n")
    (root / "etc/ld.so.conf.d").mkdir()
    (root / "etc/ld.so.conf.d/x.conf").write_text("/opt/inside # mine\n")
    (root / "opt").mkdir()
    (root / "opt/inside").symlink_to("/opt/real")
    (root / "opt/real").mkdir()
    pcre = next(Path(f["path"]) for f in here["files"] if "pcre" in f["path"] or "selinux" in f["path"])
    soname = next(f["elf"]["soname"] for f in here["files"] if f["path"] == str(pcre))
    Path(f"{root}{pcre}").rename(root / "opt/real" / soname)
    there, said = static(scratch, "bin/ls", options=("--root", root))
    check(not said, said)
    check(rules(there)[f"/opt/real/{soname}"] == ("needed", "ld.so.conf: /opt/inside"), f"{rules(there)}")
    moved = root / "opt/real" / soname
    moved.unlink()
    there, said = static(scratch, "/bin/ls", options=("--root", root))
    check(f"{soname}, needed by" in said, said)
    check({"path": f"/opt/real/{soname}", "errno": "ENOENT"} in there["missing"], f"{there['missing']}")
    moved.symlink_to(f"{pcre}")  # of the host, not of the root
    _, said = static(scratch, "/bin/ls", options=("--root", root))
    check(f"{soname}, needed by" in said, "a link led out of the root")


def scripts(scratch, mode):
    env, missing, chain = (scratch.dir / name for name in ("env", "missing", "chain"))
    env.write_text("#!/usr/bin/env -S A=1 sh -e\n")
    missing.write_text("#!/no/such/interpreter -x\n")
    chain.write_text(f"#!{env}\n")
    manifest, said = static(scratch, chain, missing)
    roles = {f["path"]: f["roles"] for f in manifest["files"]}
    shell = os.path.realpath("/bin/sh")
    check(roles[str(chain.resolve())] == ["script"], f"{roles}")
    check(roles[str(env.resolve())] == ["script", "interpreter"], f"{roles}")
    check(roles["/usr/bin/env"] == ["interpreter"], f"{roles}")
    check(roles[str(missing.resolve())] == ["script"], f"{roles}")
    check({"path": "/no/such/interpreter", "errno": "ENOENT"} in manifest["missing"], f"{manifest['missing']}")
    check("/no/such/interpreter, the interpreter of" in said, said)
    manifest, said = static(scratch, env)
    check(any(f["path"] == shell and "executable" in f["roles"] for f in manifest["files"]), said)


if __name__ == "__main__":
    sys.exit(harness.main({f.__name__: f for f in (
        bad_input, as_the_loader_lists, as_readelf_reads, rules_64, rules_32, rules_musl, dlopened,
        preloaded, in_a_root, scripts)}))
