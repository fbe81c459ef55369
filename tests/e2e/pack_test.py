#!/usr/bin/env python3
"""Packages in every format, what is left out of them, and what is refused."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import harness
from harness import FPTRACE, Skip, check, need, run
from pack_roundtrip_test import ENVIRONMENT, pack, ways_in

SCRIPT = "#!/bin/sh\ncat data\nsort data | head -n 1\necho \"$GREETING\"\n"


def traced_script(scratch, mode, body=SCRIPT, extra=None, environment=None, options=()):
    """A script of ours and what it said."""
    work = scratch.work()
    (work / "data").write_text("b\na\n")
    (work / "program").write_text(body)
    (work / "program").chmod(0o755)
    if extra:
        extra(work)
    outcome = run(scratch.traced(mode, ["./program"], *options), cwd=work,
                  env={**ENVIRONMENT, "GREETING": "it's $me", **(environment or {})})
    check(outcome.status == 0, f"{outcome}")
    return work, outcome


def nothing_left(directory):
    left = [p.name for p in Path(directory).iterdir() if ".fptrace" in p.name]
    check(not left, f"left behind: {left}")


def refused(scratch, text, *arguments, out=None, status=125):
    """Fails, says so, leaves nothing."""
    out = out or scratch.dir / "refused"
    outcome = run([FPTRACE, "pack", *arguments, "-o", out])
    said = outcome.stderr.decode(errors="replace")
    check(outcome.status == status, f"{arguments}: status {outcome.status}: {said}")
    check(text in said, f"{arguments}: {text!r} is not in {said!r}")
    check(out != scratch.dir / "refused" or not out.exists(), f"{out} is there")
    nothing_left(scratch.dir)
    return said


def files_below(root):
    root = os.fsencode(root)
    found = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(directory, name)
            st = os.lstat(path)
            content = os.readlink(path) if os.path.islink(path) else \
                open(path, "rb").read() if os.path.isfile(path) else b""
            found[path[len(root):]] = (oct(st.st_mode), st.st_nlink if os.path.isfile(path) else 0, content)
    return found


def oci(scratch, mode):
    need("skopeo", "umoci")
    work, plain = traced_script(scratch, mode)
    digests = []
    for name in ("one", "two"):
        said = pack(scratch.manifest, scratch.dir / name, "--format", "oci").stderr.decode()
        digests.append(re.search(r"sha256:[0-9a-f]{64}", said)[0])
    check(digests[0] == digests[1], f"{digests}")
    check(files_below(scratch.dir / "one") == files_below(scratch.dir / "two"), "two packs differ")
    seen = run(["skopeo", "inspect", f"oci:{scratch.dir}/one:latest"])
    check(seen.status == 0, f"skopeo: {seen}")
    info = json.loads(seen.stdout)
    check(info["Digest"] == digests[0] and "GREETING=it's $me" in info["Env"], f"{info}")
    config = json.loads(run(["skopeo", "inspect", "--config", f"oci:{scratch.dir}/one:latest"]).stdout)
    check(config["config"]["Cmd"] == ["./program"] and config["config"]["WorkingDir"] == str(work), f"{config}")
    check(config["architecture"] == "amd64" or os.uname().machine != "x86_64", f"{config}")
    copied = run(["skopeo", "copy", "-q", f"oci:{scratch.dir}/one:latest", f"oci-archive:{scratch.dir}/copy.tar"])
    check(copied.status == 0, f"skopeo copy: {copied}")
    for index, name in enumerate(("zstd", "none")):
        pack(scratch.manifest, scratch.dir / name, "--format", "oci", "--compression", name)
        check(run(["skopeo", "inspect", f"oci:{scratch.dir}/{name}:latest"]).status == 0, f"{name}")
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    unpacked = run(["umoci", "unpack", *rootless, "--image", f"{scratch.dir}/one:latest", scratch.dir / "unpacked"])
    check(unpacked.status == 0, f"umoci: {unpacked}")
    if os.geteuid() != 0:
        return "accepted and unpacked; not run, for want of root"
    inside = run(["unshare", "--root", scratch.dir / "unpacked" / "rootfs", "--wd", work, "./program"],
                 env=dict(entry.split("=", 1) for entry in config["config"]["Env"]))
    check(not plain.differs(inside), f"{plain.differs(inside)}")
    return digests[0]


def equal_packs(scratch, mode):
    """Every format gives the same bytes twice, whatever happens to times meanwhile."""
    work, _ = traced_script(scratch, mode)
    for form, name in (("tar.zst", "x.tar.zst"), ("deb", "x.deb"), ("dir", "x"), ("dockerfile", "xd")):
        for turn in ("1", "2"):
            os.utime(work / "data", (int(turn) * 10**8,) * 2)
            pack(scratch.manifest, scratch.dir / (turn + name), "--format", form)
        first, second = scratch.dir / ("1" + name), scratch.dir / ("2" + name)
        if first.is_file():
            check(first.read_bytes() == second.read_bytes(), f"{form} differs")
        else:
            check(files_below(first) == files_below(second), f"{form} differs")


def tar_runs(scratch, mode):
    need("zstd", "tar")
    work, plain = traced_script(scratch, mode)
    pack(scratch.manifest, scratch.dir / "x.tar.zst")
    (scratch.dir / "other place").mkdir()
    subprocess.run(["tar", "--zstd", "-xf", scratch.dir / "x.tar.zst", "-C", scratch.dir / "other place"], check=True)
    bundle = scratch.dir / "other place" / "program"
    (scratch.dir / "called").symlink_to(bundle / "run")
    for way in ways_in():
        for called in (bundle / "run", scratch.dir / "called"):
            inside = run([called, "--tool", way], cwd=scratch.dir)
            check(not plain.differs(inside), f"{way}: {plain.differs(inside)}")
    relative = run(["sh", "run"], cwd=bundle)
    check(not plain.differs(relative), f"{plain.differs(relative)}")


def run_script(scratch, mode):
    """What the script in a bundle makes of its arguments and of the variables that were held back."""
    body = "#!/bin/sh\nfor a; do echo \"[$a]\"; done\necho \"token ${API_TOKEN-none} path $PATH\"\n"
    traced_script(scratch, mode, body, environment={"API_TOKEN": "hush"})
    pack(scratch.manifest, scratch.dir / "b")
    text = (scratch.dir / "b" / "run").read_text() + (scratch.dir / "b" / "fptrace.manifest.json").read_text()
    check("hush" not in text, "the token is in the package")
    bundle = [scratch.dir / "b" / "run"]
    check(run(bundle).stdout == b"token none path /usr/bin:/bin\n", "no arguments")
    check(run(bundle + ["a b", "*"]).stdout.startswith(b"[a b]\n[*]\n"), "arguments")
    check(run(bundle + ["--append", "--", "--x"]).stdout.startswith(b"[--x]\n"), "--append")
    check(b"token mine" in run(bundle, env={**ENVIRONMENT, "API_TOKEN": "mine"}).stdout, "the caller's token")
    check(run(bundle + ["--exec", "/bin/sh", "-c", "echo $0; exit 3"]).status == 3, "--exec")
    check(run(bundle + ["--tool", "magic"]).status == 125, "--tool")
    check(run(bundle + ["--help"]).stdout.startswith(b"usage:"), "--help")


def deb(scratch, mode):
    need("dpkg-deb")
    work, _ = traced_script(scratch, mode, extra=lambda w: (w / "unread").write_text("x"))
    environment = {**os.environ, "DEBFULLNAME": "Some Body", "DEBEMAIL": "somebody@debian.org"}
    out = scratch.dir / "x.deb"
    made = run([FPTRACE, "pack", scratch.manifest, "-o", out], env=environment)
    check(made.status == 0, f"{made}")
    fields = dict(line.split(": ", 1) for line in run(["dpkg-deb", "-f", out]).stdout.decode().splitlines()
                  if not line.startswith(" "))
    check(fields["Package"] == "fptrace-program" and fields["Version"] == "1.0", f"{fields}")
    check(fields["Maintainer"] == "Some Body <somebody@debian.org>", f"{fields}")
    check(re.search(r"\bdash \(>= \S+\)", fields["Depends"]) and "libc6 (>=" in fields["Depends"], f"{fields}")
    names = {line.split()[-1] for line in run(["dpkg-deb", "-c", out]).stdout.decode().splitlines()}
    check(f".{work}/data" in names and f".{work}/program" in names, f"{names}")
    check(not any("libc" in n or "ld.so" in n or n.endswith("/unread") for n in names), f"{names}")
    subprocess.run(["dpkg-deb", "-x", out, scratch.dir / "x"], check=True)
    subprocess.run(["dpkg-deb", "-e", out, scratch.dir / "x"], check=True)
    sums = subprocess.run(["md5sum", "-c", "--quiet", "md5sums"], cwd=scratch.dir / "x", capture_output=True)
    check(sums.returncode == 0, f"{sums}")
    refused(scratch, "--name", scratch.manifest, "--format", "deb", "--name", "No_Name")
    refused(scratch, "--package-version", scratch.manifest, "--format", "deb", "--package-version", "x")
    if not shutil.which("lintian"):
        return "no lintian here"
    # What is said of the places of the files is the user's affair, who put them there.
    said = run(["lintian", "--fail-on", "none", "--suppress-tags",
                "dir-or-file-in-tmp,non-standard-dir-perm", out]).stdout.decode()
    errors = [line for line in said.splitlines() if line.startswith("E:")]
    check(not errors, f"{errors}")


def dockerfile(scratch, mode):
    work, _ = traced_script(scratch, mode)
    pack(scratch.manifest, scratch.dir / "x", "--format", "dockerfile")
    text = (scratch.dir / "x" / "Dockerfile").read_text()
    check(f'WORKDIR "{work}"' in text and 'CMD ["./program"]' in text, text)
    check('ENV GREETING="it\'s \\$me"' in text, text)
    listed = run(["tar", "-tf", scratch.dir / "x" / "files.tar"]).stdout.decode()
    check(f"{work}/data".lstrip("/") in listed, listed)
    if re.search(r"^FROM (debian|ubuntu):\d+", text, re.M):
        check(re.search(r"^      dash=\S+", text, re.M) and "libc" not in listed, text)
    else:
        check("FROM scratch" in text and "libc" in listed, text)


def secrets(scratch, mode):
    """Left out and told, unless included; a certificate is no secret."""
    def prepare(work):
        for name in (".netrc", "home/.ssh/config", "home/.aws/credentials", "api.token"):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text("hush\n")
        key = "-----BEGIN RSA PRIVATE KEY-----\nMIIhush\n-----END RSA PRIVATE KEY-----\n"
        (work / "key.pem").write_text(key)
        (work / "both.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + key)
        (work / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
        (work / "source.c").write_text('const char *k = "-----BEGIN PRIVATE KEY-----";\n')
        (work / "innocent").symlink_to(".netrc")
    secret = [".netrc", "home/.ssh/config", "home/.aws/credentials", "api.token", "key.pem", "both.pem"]
    body = f"#!/bin/sh\ncat {' '.join(secret)} cert.pem source.c innocent data >/dev/null\n"
    work, _ = traced_script(scratch, mode, body, prepare)

    def packed(name, *options):
        said = pack(scratch.manifest, scratch.dir / name, *options).stderr.decode()
        inside = scratch.dir / name / "rootfs" / str(work).lstrip("/")
        return said, {s for s in secret if (inside / s).exists()}, inside
    said, there, inside = packed("a")
    check(not there, f"{there}")
    check(all(f"{work}/{s}: left out" in said for s in secret), said)
    check((inside / "cert.pem").exists() and (inside / "source.c").exists(), "a certificate or source is missing")
    for path in (scratch.dir / "a" / "rootfs").rglob("*"):
        check(not path.is_file() or path.is_symlink() or b"hush" not in path.read_bytes(), f"{path}")
    check(packed("b", "--include", "**/.netrc")[1] == {".netrc"}, "--include")
    check(packed("c", "--include", str(work))[1] == set(secret), "--include of a directory")
    check(packed("d", "--include", str(work), "--exclude", "*.pem")[1] == set(secret) - {"key.pem", "both.pem"},
          "the last option decides")
    check(packed("e", "--exclude", "*.pem", "--include", "key.pem")[1] == {"key.pem"}, "the last option decides")
    return f"{len(secret)} of {len(secret)} left out"


def kinds(scratch, mode):
    """Links, modes, attributes, holes and names come through, in a directory and in an archive."""
    need("tar", "zstd")

    def prepare(work):
        (work / "hard1").write_text("same\n")
        os.link(work / "hard1", work / "hard2")
        (work / "setuid").write_text("x")
        (work / "setuid").chmod(0o4751)
        (work / "closed").mkdir()
        (work / "closed" / "file").write_text("x")
        (work / "closed").chmod(0o555)
        with open(work / "sparse", "wb") as sparse:
            sparse.truncate(50 << 20)
            sparse.seek(20 << 20)
            sparse.write(b"middle")
        (work / "long").mkdir()
        at = os.open(work / "long", os.O_RDONLY)
        for _ in range(30):
            os.mkdir("d" * 200, dir_fd=at)
            at = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
        os.close(os.open("deep", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        (work / os.fsdecode(b"\xff\xfe")).write_text("bytes")
        try:
            os.setxattr(work / "hard1", "user.note", b"kept")
        except OSError:
            pass
    body = "#!/usr/bin/python3\nimport os\nfor n in ('hard1', 'hard2', 'setuid', 'closed/file', 'sparse', b'\\xff\\xfe'):\n" \
           "    open(n, 'rb').read()\nos.chdir('long')\nfor _ in range(30): os.chdir('d' * 200)\nopen('deep').read()\n"
    work, _ = traced_script(scratch, mode, body, prepare)
    pack(scratch.manifest, scratch.dir / "b")
    pack(scratch.manifest, scratch.dir / "b.tar.zst")
    # No tar program makes a path that is longer than PATH_MAX; the archive has it all the same.
    listed = subprocess.run(["tar", "--zstd", "-tf", scratch.dir / "b.tar.zst"], capture_output=True, check=True)
    check(b"d" * 200 + b"/deep\n" in listed.stdout, "long path in the archive")
    subprocess.run(["tar", "--zstd", "--xattrs", "--exclude=*/long/*", "-xpf", scratch.dir / "b.tar.zst",
                    "-C", scratch.dir], check=True)
    deep = subprocess.run(["find", scratch.dir / "b", "-name", "deep", "-type", "f"], capture_output=True)
    check(deep.stdout.endswith(b"/deep\n"), "long path in the directory")
    for root in (scratch.dir / "b", scratch.dir / "program"):
        inside = root / "rootfs" / str(work).lstrip("/")
        check((inside / "hard1").stat().st_ino == (inside / "hard2").stat().st_ino, f"{root}: hard links")
        check((inside / "setuid").stat().st_mode & 0o7777 == 0o4751, f"{root}: setuid")
        check((inside / "closed").stat().st_mode & 0o7777 == 0o555, f"{root}: directory mode")
        st = (inside / "sparse").stat()
        check(st.st_size == 50 << 20 and st.st_blocks * 512 < 1 << 20, f"{root}: {st}")
        check((inside / "sparse").read_bytes() == (work / "sparse").read_bytes(), f"{root}: sparse content")
        check((inside / os.fsdecode(b"\xff\xfe")).read_text() == "bytes", f"{root}: name")
        if "user.note" in os.listxattr(work / "hard1"):
            check(os.getxattr(inside / "hard1", "user.note") == b"kept", f"{root}: attribute")
        check((inside / "hard1").stat().st_mtime == 315532800, f"{root}: time")


def changed(scratch, mode):
    """A file that is not what was read any more: refused, or taken from the saved inputs."""
    saved = scratch.dir / "saved"
    body = "#!/bin/sh\ncat data\necho new >data\ncat gone\nrm gone\ncat old; mv data old\n"

    def prepare(work):
        (work / "gone").write_text("going\n")
        (work / "old").write_text("replaced\n")
    work, plain = traced_script(scratch, mode, body, prepare, options=("--save-inputs", saved))
    said = refused(scratch, "3 files cannot be taken", scratch.manifest)
    check("--save-inputs" in said and f"{work}/gone" in said, said)
    pack(scratch.manifest, scratch.dir / "b", "--inputs", saved)
    inside = run([scratch.dir / "b" / "run"])
    check(not plain.differs(inside), f"{plain.differs(inside)}")
    (work / "program").write_text(body.replace("cat", "CAT"))  # of the same size
    refused(scratch, "program: has changed since the run read it", scratch.manifest, "--inputs", saved)
    for path in saved.iterdir():
        path.write_bytes(path.read_bytes()[::-1])
    (work / "program").write_text(body)
    refused(scratch, "the saved input is damaged", scratch.manifest, "--inputs", saved)
    check(run(scratch.traced(mode, ["true"], "--save-inputs", "/proc/x")).status == 125, "--save-inputs /proc/x")


def bad_manifests(scratch, mode):
    work, _ = traced_script(scratch, mode)
    good = json.loads(scratch.manifest.read_text())
    bad = scratch.dir / "bad.json"

    def with_change(text, change):
        manifest = json.loads(json.dumps(good))
        change(manifest)
        bad.write_text(json.dumps(manifest))
        refused(scratch, text, bad)
    data = next(i for i, f in enumerate(good["files"]) if f["path"].endswith("/data"))
    bad.write_text(scratch.manifest.read_text()[:-200])
    refused(scratch, "bad.json", bad)
    refused(scratch, "No such file", scratch.dir / "absent.json")
    with_change("../", lambda m: m["files"][data].update(path="/x/../../etc/passwd"))
    with_change(f"files[{data}].links[0]", lambda m: m["files"][data].update(links=["/../x"]))
    with_change(f"files[{data}].links[0]", lambda m: m["files"][data].update(links=["x"]))
    with_change(f"files[{data}].as_used[0]", lambda m: m["files"][data].update(as_used=["x"]))
    with_change(f"files[{data}].path", lambda m: m["files"][data].update(path="/x//y"))
    with_change(f"files[{data}].path", lambda m: m["files"][data].update(path="/x/" + "y" * 300))
    with_change("command.cwd", lambda m: m["command"].update(cwd="../x"))
    with_change("zero byte", lambda m: m["command"].update(argv=["a\0b"]))
    with_change("Not a directory", lambda m: m["files"].append(
        {"path": f"{work}/data/below", "roles": ["data"], "sha256": "0" * 64, "size": 1}))
    with_change("absent: ", lambda m: m["files"][data].update(path=f"{work}/absent"))
    with_change("leads nowhere", lambda m: m["files"][data].update(as_used=[f"{work}/nolink"]))
    with_change("has changed", lambda m: m["files"][data].update(sha256="0" * 64))
    # A path that goes through a link by now leads somewhere else than it did.
    (work / "elsewhere").symlink_to("/etc")
    with_change("elsewhere", lambda m: m["files"].append(
        {"path": f"{work}/elsewhere/passwd", "roles": ["data"], "sha256": "0" * 64, "size": 1}))
    return "every one refused"


def outputs(scratch, mode):
    """What is there already, places that cannot be written, a full disk, an interruption."""
    work, _ = traced_script(scratch, mode)
    out = scratch.dir / "b"
    pack(scratch.manifest, out)
    before = files_below(out)
    refused(scratch, "is there already", scratch.manifest, out=out)
    check(files_below(out) == before, "the package was touched")
    pack(scratch.manifest, out, "--force")
    check(files_below(out) == before, "the replaced package differs")
    refused(scratch, "not a package of this kind", scratch.manifest, "--force", out=work)
    check((work / "data").exists(), "a directory was replaced")
    refused(scratch, "not a package of this kind", scratch.manifest, "--force", "--format", "oci", out=out)
    archive = scratch.dir / "b.tar.zst"
    archive.write_text("precious")
    refused(scratch, "is there already", scratch.manifest, out=archive)
    check(archive.read_text() == "precious", "the archive was touched")
    pack(scratch.manifest, archive, "--force")
    refused(scratch, "not a regular file", scratch.manifest, "--force", "--format", "tar.zst", out=out)
    refused(scratch, "No such file", scratch.manifest, out=scratch.dir / "no" / "where")
    check(run([FPTRACE, "pack", scratch.manifest]).status == 2, "without --output")
    refused(scratch, "--compression", scratch.manifest, "--compression", "zstd", status=2)
    limited = run(["sh", "-c", f"ulimit -f 100; trap '' XFSZ; exec {FPTRACE} pack {scratch.manifest} -o {scratch.dir}/full"])
    check(limited.status == 125 and b"File too large" in limited.stderr, f"{limited}")
    nothing_left(scratch.dir)
    check(not (scratch.dir / "full").exists(), "a half package")


def full_disk(scratch, mode):
    need("unshare", "mount")
    if os.geteuid() != 0:
        raise Skip("needs root to mount a small file system")
    traced_script(scratch, mode)
    for form in ("dir", "tar.zst", "oci", "dockerfile"):
        script = f"mount -t tmpfs -o size=200k none {scratch.dir}/small && {FPTRACE} pack {scratch.manifest} " \
                 f"--format {form} -o {scratch.dir}/small/x; echo $?; ls -A {scratch.dir}/small"
        (scratch.dir / "small").mkdir(exist_ok=True)
        outcome = run(["unshare", "-m", "sh", "-c", script])
        if form != "dockerfile":
            check(b"No space left" in outcome.stderr and outcome.stdout == b"125\n", f"{form}: {outcome}")


def interrupted(scratch, mode):
    big = scratch.dir / "big"
    subprocess.run(["dd", "if=/dev/urandom", f"of={big}", "bs=1M", "count=300", "status=none"], check=True)
    run(scratch.traced(mode, ["cat", str(big)], "--no-hash"), cwd=scratch.work())
    for form in ("dir", "tar.zst"):
        process = subprocess.Popen([FPTRACE, "pack", scratch.manifest, "--format", form, "-o", scratch.dir / "x"],
                                   stderr=subprocess.PIPE)
        end = time.monotonic() + 20
        while not any(".fptrace-pack" in p.name for p in scratch.dir.iterdir()):
            check(time.monotonic() < end and process.poll() is None, "it never began")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        check(process.returncode == -signal.SIGTERM, f"{form}: {process.returncode}")
        nothing_left(scratch.dir)


def progress(scratch, mode):
    """A bar on a terminal, none in a pipe."""
    big = scratch.dir / "big"
    subprocess.run(["dd", "if=/dev/urandom", f"of={big}", "bs=1M", "count=200", "status=none"], check=True)
    run(scratch.traced(mode, ["cat", str(big)]), cwd=scratch.work())
    piped = pack(scratch.manifest, scratch.dir / "x.tar.zst")
    check(b"\r" not in piped.stderr and b"%" not in piped.stderr, f"{piped.stderr}")
    ours, its = pty.openpty()
    process = subprocess.Popen([FPTRACE, "pack", scratch.manifest, "-o", scratch.dir / "y.tar.zst"], stderr=its)
    os.close(its)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # EIO: the other end is closed
        pass
    check(process.wait(60) == 0 and re.search(rb"\r.*\[#* *\] +\d+% of 2\d\d MB", said), f"{said[-500:]}")


def of_log(scratch, mode):
    """A log gives the package that its manifest gives."""
    log = scratch.dir / "x.fplog"
    traced_script(scratch, mode, options=("--log", log))
    pack(scratch.manifest, scratch.dir / "m.tar.zst")
    pack(log, scratch.dir / "l.tar.zst")
    check((scratch.dir / "m.tar.zst").read_bytes() == (scratch.dir / "l.tar.zst").read_bytes(), "they differ")
    log.write_bytes(log.read_bytes()[:1500])
    refused(scratch, "", log)


def of_root(scratch, mode):
    """Files taken from below a directory, in which no link leads outside."""
    work, _ = traced_script(scratch, mode)
    pack(scratch.manifest, scratch.dir / "a")
    pack(scratch.manifest, scratch.dir / "b", "--root", scratch.dir / "a" / "rootfs")
    check(files_below(scratch.dir / "a" / "rootfs") == files_below(scratch.dir / "b" / "rootfs"), "they differ")


def as_json(scratch, mode):
    traced_script(scratch, mode)
    outcome = pack(scratch.manifest, scratch.dir / "x", "--json", "-q", "--exclude", "data")
    said = json.loads(outcome.stdout)
    check(said["files"] > 3 and not outcome.stderr, f"{outcome}")
    check(any(n["text"].startswith("left out") and n["path"].endswith("/data") for n in said["notes"]), f"{said}")


CASES = {f.__name__: f for f in (oci, equal_packs, tar_runs, run_script, deb, dockerfile, secrets, kinds, changed,
                                 bad_manifests, outputs, full_disk, interrupted, progress, of_log, of_root, as_json)}

if __name__ == "__main__":
    sys.exit(harness.main(CASES))
