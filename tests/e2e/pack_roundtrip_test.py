#!/usr/bin/env python3
"""Real programs traced, packed, and run inside an otherwise empty root: the output is the same."""

import os
import shutil
import subprocess
import sys

import harness
from harness import FPTRACE, Skip, check, need, run

# Nothing of the environment that the tests run in, so that no program takes a detour.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8",
               "TERM": "dumb", "TZ": "UTC"}


def ways_in():
    """The ways into a bundle that work here."""
    ways = []
    if shutil.which("bwrap") and run(["bwrap", "--bind", "/", "/", "true"]).status == 0:
        ways.append("bwrap")
    unshare = ["unshare", "-m", "true"] if os.geteuid() == 0 else ["unshare", "-Urm", "true"]
    if run(unshare).status == 0:
        ways.append("unshare")
    if os.geteuid() == 0:
        ways.append("chroot")
    if not ways:
        raise Skip("neither bwrap nor unshare nor chroot may be used here")
    return ways


def pack(manifest, out, *options, status=0):
    outcome = run([FPTRACE, "pack", manifest, "-o", out, *options], timeout=120)
    check(outcome.status == status, f"pack ended with {outcome.status}: {outcome.stderr.decode()}")
    return outcome


def round_trip(scratch, mode, argv, prepare=None, stdin=b"", after=None, plain_chroot=True):
    """`after(work)` gives what else the program leaves behind, to be compared as well."""
    def fresh():
        work = scratch.work()
        if prepare:
            prepare(work)
        return work

    work = fresh()
    plain = run(argv, cwd=work, env=ENVIRONMENT, stdin=stdin)
    check(plain.status == 0, f"{argv} by itself: {plain}")
    left = after(work) if after else None
    work = fresh()
    saved = scratch.dir / "saved"
    traced = run(scratch.traced(mode, argv, "--save-inputs", saved), cwd=work, env=ENVIRONMENT, stdin=stdin)
    check(not plain.differs(traced), f"{argv} traced: {plain.differs(traced)}")
    ways = [w for w in ways_in() if plain_chroot or w != "chroot"]
    for way in ways:
        bundle = scratch.dir / f"bundle-{way}"
        pack(scratch.manifest, bundle, "--inputs", saved)
        inside = run([bundle / "run", "--tool", way], cwd="/", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                     stdin=stdin)
        differences = plain.differs(inside)
        check(not differences, f"{argv} with {way}:\n  " + "\n  ".join(differences))
        if after:
            its = after(bundle / "rootfs" / str(work).lstrip("/"))
            check(its == left, f"{argv} with {way} leaves {its!r}, not {left!r}")
    return f"equal with {', '.join(ways)}; {len(plain.stdout)} bytes of output"


def text(name, content):
    def prepare(work):
        (work / name).write_text(content)
    return prepare


LINES = "".join(f"{n * 7919 % 1000} line {n}\n" for n in range(500))


def case(*argv, **how):
    return lambda scratch, mode: (need(argv[0]), round_trip(scratch, mode, argv, **how))[1]


def shell(script, *needed, **how):
    return lambda scratch, mode: (need("sh", *needed), round_trip(scratch, mode, ["sh", "-c", script], **how))[1]


def script(interpreter, body, *arguments, **how):
    """A script with a `#!` line, run by its name."""
    def prepare(work):
        path = work / "program"
        path.write_text(f"#!{interpreter}\n{body}")
        path.chmod(0o755)
    return lambda scratch, mode: (need(interpreter.split()[0]),
                                  round_trip(scratch, mode, ["./program", *arguments], prepare, **how))[1]


def git_repository(work):
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-C", str(work)]
    dates = {**ENVIRONMENT, "GIT_AUTHOR_DATE": "1500000000 +0000", "GIT_COMMITTER_DATE": "1500000000 +0000"}
    (work / "a").write_text(LINES)
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(git + command, check=True, env=dates, stdin=subprocess.DEVNULL)
    (work / "a").write_text(LINES + "one more\n")


def go_static(scratch, mode):
    need("go")
    source = scratch.dir / "go" / "main.go"
    source.parent.mkdir()
    source.write_text('package main\nimport ("fmt"; "os"; "strings")\nfunc main() {\n'
                      ' b, err := os.ReadFile(os.Args[1])\n fmt.Println(len(b), err, strings.Fields(string(b))[0])\n}\n')
    built = subprocess.run(["go", "build", "-o", scratch.dir / "program", source], capture_output=True,
                           env={**ENVIRONMENT, "CGO_ENABLED": "0", "GO111MODULE": "off",
                                "GOCACHE": str(scratch.dir / "go" / "cache")})
    check(built.returncode == 0, f"go: {built.stderr!r}")
    return round_trip(scratch, mode, [str(scratch.dir / "program"), "data"], text("data", LINES))


def bits_32(scratch, mode):
    harness.need_ia32(scratch)
    code = '#include <stdio.h>\nint main(void) { FILE *f = fopen("data", "r"); char b[20];' \
           ' return printf("%d %s", (int)sizeof(void *), fgets(b, 20, f)) < 0; }\n'
    program = harness.compile_c(scratch, "program32", code, "-m32")
    return round_trip(scratch, mode, [str(program)], text("data", LINES))


def dlopened(scratch, mode):
    """A library that only dlopen finds, by $ORIGIN in the program's RUNPATH, through a link."""
    (scratch.dir / "lib").mkdir()
    real = harness.compile_c(scratch, "libreal.so.1", "int answer(void) { return 42; }\n", "-shared", "-fPIC")
    real.rename(scratch.dir / "lib" / "libreal.so.1.0")
    (scratch.dir / "lib" / "libreal.so").symlink_to("libreal.so.1.0")
    code = '#include <dlfcn.h>\n#include <stdio.h>\nint main(void) { void *l = dlopen("libreal.so", 2);' \
           ' return !l || printf("%d\\n", ((int (*)(void))dlsym(l, "answer"))()) < 0; }\n'
    program = harness.compile_c(scratch, "dlopens", code, "-Wl,-rpath,$ORIGIN/lib")
    # Without /proc, which a plain chroot lacks, the loader does not know where the program lies.
    return round_trip(scratch, mode, [str(program)], plain_chroot=False)


def spellings(work):
    (work / "real" / "deep").mkdir(parents=True)
    (work / "real" / "deep" / "file").write_text("found\n")
    (work / "real" / "file").write_text("above\n")
    (work / "first").symlink_to("second")
    (work / "second").symlink_to(work / "real" / "deep")
    (work / "last").symlink_to("first/file")


CASES = {
    "sort": case("sort", "-n", "data", prepare=text("data", LINES)),
    "ls": shell("cd data && ls -a . sub && ls -ln sub | cut -c1-17 && stat -c '%n %s %a' *", "ls", "stat",
                prepare=lambda w: ((w / "data" / "sub").mkdir(parents=True), (w / "data" / "x").write_text("abc"),
                                   (w / "data" / "sub" / "y").write_text("d"), (w / "data" / "l").symlink_to("x"))),
    "coreutils": shell("cut -d' ' -f1 data | sort -n | uniq -c | head -3; wc data; sha256sum <data; date -d @0 +%c; "
                       "tac data | tail -n 2 | tr a-z A-Z", "sort", "wc", "sha256sum", "date",
                       prepare=text("data", LINES)),
    "bash_script": lambda scratch, mode: (need("bash"), round_trip(
        scratch, mode, ["./program", "a b", "c"], bash_files))[1],
    "env_script": script("/usr/bin/env -S perl -w", 'print "args: @ARGV, $0\\n";\n', "x"),
    "python_extension": case("/usr/bin/python3", "-c", "import ssl, sqlite3, ctypes, json, decimal, zlib, lzma\n"
                             "d = sqlite3.connect(':memory:'); print(d.execute('select 6 * 7').fetchone())\n"
                             "print(ssl.OPENSSL_VERSION, decimal.Decimal(1) / 7, zlib.crc32(b'x'))\n"
                             "print(json.dumps({'a': [1]}), ctypes.CDLL('libm.so.6').abs(-3))"),
    "python_package": case("/usr/bin/python3", "main.py", prepare=lambda w: (
        (w / "pkg").mkdir(), (w / "pkg" / "__init__.py").write_text("from .inner import name\n"),
        (w / "pkg" / "inner.py").write_text("name = 'inner'\n"),
        (w / "main.py").write_text("import sys\nsys.dont_write_bytecode = True\nimport pkg\nprint(pkg.name)\n"
                                   "try:\n    import pkg.absent\nexcept ImportError as e:\n    print(e)\n"))),
    "perl": case("perl", "-MPOSIX", "-MList::Util=sum", "-MDigest::SHA=sha256_hex", "-MData::Dumper", "-e",
                 "open F, 'data' or die; my @n = map { (split)[0] } <F>; print sum(@n), ' ', floor(2.7), "
                 "sha256_hex('x'), Dumper([1])", prepare=text("data", LINES)),
    "gcc": shell("gcc -O1 -o program program.c && ./program && gcc -dumpmachine", "gcc", prepare=text(
        "program.c", '#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n'
                     'int main(void) { return printf("compiled %d\\n", abs(-7)) < 0; }\n')),
    "git_log": case("git", "-c", "safe.directory=*", "log", "--stat", "--format=%H %s", prepare=git_repository),
    "git_diff": case("git", "-c", "safe.directory=*", "diff", prepare=git_repository),
    "tar_xz": shell("tar -cJf a.tar.xz --mtime=@0 --owner=0 --group=0 data && xz -dc a.tar.xz | tar -t && "
                    "xz -l a.tar.xz | tail -n 1", "tar", "xz", prepare=text("data", LINES)),
    "gzip": shell("gzip -nc data | sha256sum; gzip -nc data | gzip -dc | head -n 1", "gzip", prepare=text("data", LINES)),
    "sqlite3": shell("sqlite3 db 'create table t(x); insert into t values (1), (2); select sum(x) from t;' && "
                     "sqlite3 -csv db 'select * from t'", "sqlite3"),
    "openssl": shell("openssl version; openssl dgst -sha3-256 data; printf x | openssl enc -aes-256-cbc -pbkdf2 "
                     "-k p -S 0011223344556677 | openssl base64; openssl x509 -noout -subject -in cert.pem", "openssl",
                     prepare=lambda w: certificate(w)),
    "curl": shell("curl -s file://$PWD/data | head -n 2; curl --version | head -n 1", "curl", prepare=text("data", LINES)),
    "ssh": case("ssh", "-V"),
    "vim": case("vim", "-es", "-u", "NONE", "-i", "NONE", "-c", "%s/line/LINE/", "-c", "3p", "-c", "wq! out", "data",
                prepare=text("data", LINES), after=lambda w: (w / "out").read_text()),
    "node": case("node", "-e", "const fs = require('fs'), c = require('crypto'), z = require('zlib');"
                 "console.log(fs.readFileSync('data').length, c.createHash('sha256').update('x').digest('hex'),"
                 "z.gzipSync('x').length, process.version)", prepare=text("data", LINES)),
    "go_static": go_static,
    "bits_32": bits_32,
    "dlopen_runpath": dlopened,
    "busybox_static": case("busybox", "sh", "-c", "echo static; md5sum data", prepare=text("data", LINES)),
    "awk_sed_grep": shell("awk '{ s += $1 } END { print s }' data; sed -n '2s/line/x/p' data; grep -c 9 data; "
                          "find . -type f | sort | xargs wc -c", "awk", "sed", "grep", "find",
                          prepare=text("data", LINES)),
    "make": shell("make -s && make -s", "make", prepare=text("Makefile", "all: out\n\tcat out\nout: in\n"
                  "\ttr a-z A-Z <in >out\nin:\n\techo text >in\n")),
    "locale_zone": shell("TZ=Europe/Berlin date -d @0; LC_ALL=C.UTF-8 printf '%s\\n' äöü | sed 's/./x/g'", "date"),
    "links": shell("cat last first/file second/../file real/deep/../deep/file; readlink last; cd first && pwd -P && "
                   "cat file", prepare=spellings),
    "odd_names": shell("cat -- * | sort; ls -b", prepare=lambda w: [
        open(os.path.join(os.fsencode(w), name), "wb").write(name + b"\n")
        for name in (b"a b", b"new\nline", b"\xff\xfe", "ä".encode(), b"-n", b"'quo\"te", b"x" * 250)]),
    "arguments": case("printf", "%s|", "", "a b", "it's", "$HOME `x`", "new\nline", "*", "\\"),
    "exit_status": lambda scratch, mode: exit_status(scratch, mode),
    "metadata": shell("test -x tool && ! test -e absent && test -d dir && test -h link && stat -c '%s %a' tool big",
                      "stat", prepare=lambda w: ((w / "tool").write_text("x"), (w / "tool").chmod(0o751),
                                                 (w / "dir").mkdir(), (w / "link").symlink_to("nowhere"),
                                                 open(w / "big", "w").truncate(100 << 20))),
}


def bash_files(work):
    text("data", LINES)(work)
    (work / "library").write_text("greet() { echo \"hello $# $1\"; }\n")
    (work / "program").write_text(
        '#!/bin/bash\ndeclare -A m\nwhile read -r n _; do m[$n]=1; done <data\n'
        'printf "%s\\n" "${!m[@]}" | sort | head -n 3\nfor f in d*; do echo "$f ${#m[@]}"; done\n'
        '. ./library\ngreet "$@"\ncat <<<"here $BASH_VERSION"\n')
    (work / "program").chmod(0o755)


def certificate(work):
    text("data", LINES)(work)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=test", "-keyout",
                    work.parent / "key.pem", "-out", work / "cert.pem"], check=True, capture_output=True)


def exit_status(scratch, mode):
    """A status other than 0, and input that is passed through."""
    work = scratch.work()
    argv = ["sh", "-c", "read line; echo \"got $line\"; echo err >&2; exit 7"]
    run(scratch.traced(mode, argv), cwd=work, env=ENVIRONMENT, stdin=b"traced\n")
    pack(scratch.manifest, scratch.dir / "bundle")
    for way in ways_in():
        inside = run([scratch.dir / "bundle" / "run", "--tool", way], cwd="/", stdin=b"inside\n")
        check((inside.status, inside.stdout, inside.stderr) == (7, b"got inside\n", b"err\n"), f"{way}: {inside}")
    return "7"


if __name__ == "__main__":
    sys.exit(harness.main(CASES))
