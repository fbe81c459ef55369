#!/usr/bin/env python3
"""Recording in a virtual machine, and replaying it. One guest image for all cases, in the cache."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import harness
from harness import FPTRACE, Failure, Skip, check, need, run

CACHE = Path(os.environ.get("FPTRACE_E2E_CACHE", "/tmp/fptrace-e2e-cache")) / "emu"
# Seconds for one machine, where many run.
PATIENCE = 150
PLACES = (Path(os.environ.get("TMPDIR", "/tmp")), Path("/dev/shm"))


def prepare():
    os.environ["XDG_CACHE_HOME"] = str(CACHE)
    CACHE.mkdir(parents=True, exist_ok=True)
    built = run([FPTRACE, "image", "build"], timeout=250)
    if built.status == 0:
        return
    why = built.stderr.decode(errors="replace").strip()
    if "Emu" in os.environ.get("FPTRACE_REQUIRE_BACKENDS", "").split(","):
        raise Failure(why)
    raise Skip(why)


def leftovers():
    """Directories of runs whose process has gone: one that lives holds a lock on its own."""
    found = set()
    for path in (p for place in PLACES for p in place.glob(".fptrace-emu-*")):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found.add(path)
        except BlockingIOError:
            pass
        finally:
            os.close(fd)
    return found


def record(scratch, argv, *options, name="a.fpr", expect=None, **how):
    command = [FPTRACE, "record", "-o", scratch.dir / name, *options, "--", *argv]
    if "cwd" not in how:
        how["cwd"] = scratch.dir / "elsewhere"  # not where the tests are: that would be taken along
        how["cwd"].mkdir(exist_ok=True)
    outcome = run(command, **{"timeout": PATIENCE, **how})
    if expect is not None:
        check(outcome.status == expect, f"{argv}: {outcome}")
    return outcome


def replay(scratch, name="a.fpr", **how):
    return run([FPTRACE, "replay", scratch.dir / name], **{"timeout": PATIENCE, **how})


def refused(outcome, *texts):
    said = outcome.stderr.decode(errors="replace")
    check(outcome.status == 125, f"not refused: {outcome}")
    check(said.count("\n") == 1, f"not one sentence: {said}")
    for text in texts:
        check(text in said, f"{text!r} is not in {said!r}")


def same(recorded, replayed):
    check(recorded.stdout == replayed.stdout, f"{recorded}\n{replayed}")
    check(recorded.status == replayed.status, f"{recorded}\n{replayed}")
    check(recorded.stderr.startswith(replayed.stderr), f"{recorded}\n{replayed}")


def streams_and_status(scratch, mode):
    script = "echo out; echo err >&2; read a; echo got $a; exit 7"
    recorded = record(scratch, ["sh", "-c", script], stdin=b"one\ntwo\n", expect=7)
    check(recorded.stdout == b"out\ngot one\n", f"{recorded}")
    check(recorded.stderr.startswith(b"err\n"), f"{recorded}")
    for _ in range(2):
        same(recorded, replay(scratch))
    killed = record(scratch, ["sh", "-c", "kill -SEGV $$"], expect=-signal.SIGSEGV)
    same(killed, replay(scratch))


def much_data(scratch, mode):
    data = os.urandom(3 << 20)
    recorded = record(scratch, ["cat"], stdin=data, expect=0)
    check(recorded.stdout == data, "cat gave something else back")
    same(recorded, replay(scratch))
    # A reader that goes away ends the writer, as on the host.
    pipeline = f"{FPTRACE} record -o {scratch.dir}/b.fpr -- yes 2>/dev/null | head -n 1"
    check(run(["sh", "-c", pipeline], timeout=100).stdout == b"y\n", "yes | head")


def as_the_caller(scratch, mode):
    work = scratch.work()
    (work / "file").write_text("content\n")
    os.chmod(work / "file", 0o640)
    os.utime(work / "file", ns=(10**18 + 123456789, 10**18 + 123456789))
    (work / "link").symlink_to("file")
    script = ("pwd; echo $A; umask; stat -c '%n %a %u %g %y %s' file; readlink link; cat link;"
              "id -u; id -G; ulimit -n; echo $0; echo x > new; cat new; hostname")
    env = dict(os.environ, A="a value", LC_ALL="C")
    argv = ["bash", "-c", script, "zero"]
    programs = [shutil.which(p) for p in ("stat", "readlink", "cat", "id", "hostname")]
    need("hostname", "stat")
    host = run(argv, cwd=work, env=env)
    (work / "new").unlink()
    closure = [a for p in programs for a in ("--include", p)]
    for p in ("libselinux.so.1", "libpcre2-8.so.0", "libc.so.6"):
        found = Path("/usr/lib/x86_64-linux-gnu") / p
        if found.exists():
            closure += ["--include", str(found)]
    guest = record(scratch, argv, *closure, "--include", work, cwd=work, env=env, expect=0)
    check(guest.stdout == host.stdout, f"host:\n{host.stdout.decode()}guest:\n{guest.stdout.decode()}")
    check(not (work / "new").exists(), "the guest wrote to the host")
    same(guest, replay(scratch))


def standard_input_is_a_file(scratch, mode):
    path = scratch.dir / "input"
    path.write_bytes(b"first\nsecond\n")
    with open(path, "rb") as file:
        file.seek(6)
        got = subprocess.run([FPTRACE, "record", "-o", scratch.dir / "a.fpr", "--", "bash", "-c",
                              "read a; echo $a; ls -l /proc/self/fd/0"], stdin=file,
                             capture_output=True, timeout=100)
    check(got.stdout.startswith(b"second\n"), f"{got}")


def not_a_program(scratch, mode):
    text = scratch.dir / "text"
    text.write_text("no program\n")
    bad = scratch.dir / "bad"
    bad.write_text("#!/no/such/interpreter\n")
    for path in (text, bad):
        path.chmod(0o755)
    cases = ((["/no/such/program"], 127), (["no-such-program"], 127), ([scratch.dir], 126),
             (["/etc/passwd"], 126), ([text], 126), ([bad], 127))
    for argv, status in cases:
        outcome = record(scratch, argv)
        check(outcome.status == status, f"{argv}: {outcome}")
        check(outcome.stderr.count(b"\n") <= 2, f"{outcome}")
        check(not (scratch.dir / "a.fpr").exists(), f"{argv} left a bundle")


def ends_early(scratch, mode):
    before = leftovers()
    refused(record(scratch, ["sleep", "1000"], "--timeout", "2"), "within 2 s", "--timeout")
    if os.getuid() == 0:
        panicked = record(scratch, ["bash", "-c", "echo c > /proc/sysrq-trigger"])
        refused(panicked, "panic")
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([FPTRACE, "record", "-o", scratch.dir / "a.fpr", "--", "sh", "-c",
                               "echo ready; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            check(process.stdout.readline() == b"ready\n", "did not start")
            process.send_signal(number)
            check(process.wait(30) == -number, f"ended with {process.returncode}")
    left = harness.wait_until_none_left(5)
    check(not left, f"left behind: {left}")
    check(not list(scratch.dir.glob("a.fpr*")), "a bundle was left")
    check(leftovers() <= before, f"left behind: {leftovers() - before}")


def killed_outright(scratch, mode):
    before = leftovers()
    with subprocess.Popen([FPTRACE, "record", "-o", scratch.dir / "a.fpr", "--", "sh", "-c",
                           "echo ready; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        check(process.stdout.readline() == b"ready\n", "did not start")
        process.kill()
    left = harness.wait_until_none_left(10)
    check(not left, f"left behind: {left}")
    record(scratch, ["true"], expect=0)  # which sweeps up
    check(leftovers() <= before, f"left behind: {leftovers() - before}")


def damaged_bundles(scratch, mode):
    record(scratch, ["true"], expect=0)
    whole = (scratch.dir / "a.fpr").read_bytes()
    variants = {"": "is no recording", "cut": "cut short", "head": "cut short", "edited": "damaged",
                "disk": "damaged"}
    contents = {"": b"#!/bin/sh\n", "cut": whole[:-100], "head": whole[:100],
                "edited": whole[:60] + bytes([whole[60] ^ 1]) + whole[61:],
                "disk": whole[:-200] + bytes([whole[-200] ^ 1]) + whole[-199:]}
    for name, text in variants.items():
        (scratch.dir / "b.fpr").write_bytes(contents[name])
        refused(replay(scratch, "b.fpr"), "b.fpr", text)
    refused(replay(scratch, "none.fpr"), "none.fpr", "No such file")


def edit_part(path, part, edit):
    """Edits a part of a bundle, "log" or "disk", and makes all sizes and hashes right again."""
    def zstd(data, *options):
        return subprocess.run(["zstd", "-q", "-c", *options], input=data, capture_output=True, check=True).stdout
    whole = path.read_bytes()
    length = int.from_bytes(whole[8:16], "little")
    header, parts = json.loads(whole[48:48 + length]), whole[48 + length:]
    packed = {}
    for name in ("log", "disk"):
        at = header[name]
        packed[name] = parts[at["offset"]:at["offset"] + at["packed"]]
    packed[part] = zstd(edit(zstd(packed[part], "-d", "--long=27")), "--check")
    offset = 0
    for name in ("log", "disk"):
        header[name] |= {"offset": offset, "packed": len(packed[name]),
                         "sha256": hashlib.sha256(packed[name]).hexdigest()}
        offset += len(packed[name])
    text = json.dumps(header).encode()
    path.write_bytes(whole[:8] + len(text).to_bytes(8, "little") + hashlib.sha256(text).digest() + text +
                     packed["log"] + packed["disk"])


def left_recordings(scratch, mode):
    """Bundles whose hashes are right, but whose machine does not do what was recorded."""
    need("zstd")
    hello = scratch.dir / "hello"
    hello.write_text("#!/bin/sh\necho hello\n")
    hello.chmod(0o755)
    check(record(scratch, [hello], expect=0).stdout == b"hello\n", "no hello")
    whole = scratch.dir / "a.fpr"

    def other_program(disk):
        check(disk.count(b"echo hello") == 1, "the program is not on the disk as it is here")
        return disk.replace(b"echo hello", b"echo jello")

    # The stream of a file: pieces with offset and length before, here one.
    def end_of_log(log):
        size = int.from_bytes(log[8:16], "little")
        return log[:16 + size // 2] + bytes(size - size // 2) + log[16 + size:]

    def other_count(log):
        # An interrupt (1), then "0, number of instructions (4 bytes, the highest one first, and here 0)": in the second
        # half, as before it there is what the guest was sent, where such bytes may be anything. By 65536, as a program
        # may well do the same when it is interrupted an instruction later.
        at = log.index(b"\x01\x00\x00", len(log) // 2) + 3
        return log[:at] + bytes([log[at] ^ 1]) + log[at + 1:]

    for part, edit in (("disk", lambda disk: disk), ("disk", other_program), ("log", end_of_log),
                       ("log", other_count)):
        edited = scratch.dir / "b.fpr"
        shutil.copy(whole, edited)
        edit_part(edited, part, edit)
        manifest = scratch.dir / "manifest.json"
        plain = replay(scratch, "b.fpr")
        traced = run([FPTRACE, "replay", "-q", "-o", manifest, edited], timeout=100)
        if edit.__name__ == "<lambda>":  # the editing itself changes nothing
            check((plain.status, traced.status) == (0, 0), f"{plain}\n{traced}")
            manifest.unlink()
            continue
        refused(plain, "left its recording", "instruction")
        check(traced.status == 125 and b"left its recording" in traced.stderr, f"{traced}")
        check(not manifest.exists(), f"{edit.__name__}: a manifest of what was not recorded")


def image_of_another_version(scratch, mode):
    images = CACHE / "fptrace/images"
    described = json.loads(next(images.glob("default-*/image.json")).read_text())
    for changed in ({"recipe": "0123456789ab"}, {"format": 1}):
        other = scratch.dir / "cache/fptrace/images/mine-0123456789ab"
        other.mkdir(parents=True, exist_ok=True)
        (other / "image.json").write_text(json.dumps(described | {"name": "mine"} | changed))
        env = dict(os.environ, XDG_CACHE_HOME=str(scratch.dir / "cache"))
        refused(record(scratch, ["true"], "--image", "mine", env=env),
                "built by another version of fptrace or QEMU", "fptrace image build mine")
        check("old: of another version" in run([FPTRACE, "image", "list"], env=env).stdout.decode(), "not listed")
        check(run([FPTRACE, "image", "rm", "mine"], env=env).status == 0 and not other.exists(), "not removed")


def other_machine(scratch, mode):
    record(scratch, ["true"], expect=0)
    empty = dict(os.environ, XDG_CACHE_HOME=str(scratch.dir / "cache"))
    refused(replay(scratch, env=empty), "image", "record the program again")
    fake = scratch.dir / "qemu"
    fake.write_text("#!/bin/sh\necho 'QEMU emulator version 99.1.0 (Later)'; echo '-plugin x'\n")
    fake.chmod(0o755)
    later = dict(os.environ, FPTRACE_QEMU=str(fake))
    refused(replay(scratch, env=later), "recorded with QEMU 10", "99.1.0 (Later)")


def no_qemu(scratch, mode):
    for text, script in (("there is no", None), ("too old", "echo QEMU emulator version 7.2.0"),
                         ("plugins", "echo QEMU emulator version 10.0.0")):
        fake = scratch.dir / "qemu"
        env = dict(os.environ, FPTRACE_QEMU=str(fake))
        if script is None:
            tools = scratch.dir / "bin"
            tools.mkdir()
            (tools / "true").symlink_to("/bin/true")
            env = dict(os.environ, PATH=str(tools))
        else:
            fake.write_text(f"#!/bin/sh\n{script}\n")
            fake.chmod(0o755)
        refused(record(scratch, ["true"], env=env), text, "install qemu-system-x86")


def doctor_tells(scratch, mode):
    fake = scratch.dir / "qemu"
    for text, script in (("there is no qemu-system-x86_64", None), ("cannot be run", "exit 127"),
                         ("too old", "echo QEMU emulator version 7.2.0"),
                         ("without plugins", "echo QEMU emulator version 10.0.0")):
        fake.write_text(f"#!/bin/sh\n{script}\n")
        fake.chmod(0o755)
        env = dict(os.environ, FPTRACE_QEMU=str(fake)) if script else dict(os.environ, PATH=str(scratch.work()))
        doctor = json.loads(run([FPTRACE, "doctor", "--json"], env=env).stdout)
        line = next(c for c in doctor["checks"] if c["name"] == "emulator")
        check(line["verdict"] == "warn" and text in line["found"], f"{line}")
        check("install qemu-system-x86" in json.dumps(line), f"{line}")


def no_room(scratch, mode):
    """A full disk, as a small tmpfs in a mount namespace of our own."""
    need("unshare", "mount")
    small = scratch.dir / "small"
    small.mkdir()
    inside = (f"mount -t tmpfs -o size=1m none {small} && exec env TMPDIR={small} "
              f"{FPTRACE} record -o {scratch.dir}/a.fpr -- true")
    tried = run(["unshare", "-m", "sh", "-c", inside])
    if b"unshare" in tried.stderr or b"mount:" in tried.stderr:
        raise Skip("may not mount here")
    refused(tried, "free", "TMPDIR")
    inside = (f"mount -t tmpfs -o size=64k none {small} && "
              f"{FPTRACE} record -o {small}/a.fpr -- true; echo $?; ls {small}")
    tried = run(["unshare", "-m", "sh", "-c", inside])
    check(tried.stdout == b"125\n", f"{tried}")
    check(b"No space left" in tried.stderr, f"{tried}")


def images(scratch, mode):
    listed = run([FPTRACE, "image", "list"]).stdout.decode()
    check(listed.startswith("default\t"), listed)
    shown = run([FPTRACE, "image", "show", "default"]).stdout.decode()
    check("BTF:     yes" in shown and re.search(r"kernel:  \d", shown), shown)
    for argv, text in ((["show", "none"], "no image none"), (["rm", "none"], "no image none"),
                       (["build", "--memory", "2048"], "another image default"),
                       (["build", "b", "--kernel", "/no/k", "--modules", "/no"], "/no/k"),
                       (["build", "b", "--package", "no-such-kernel"], "no kernel package")):
        outcome = run([FPTRACE, "image", *argv])
        outcome.stderr = outcome.stderr.replace(b"fptrace image: looking for a kernel\n", b"")
        refused(outcome, text)
    for argv in ([], ["build", "../x"], ["build", "x", "--memory", "1"], ["frob"],
                 ["list", "--cpu", "max"], ["build", "x", "--kernel", "/k"]):
        check(run([FPTRACE, "image", *argv]).status == 2, f"{argv}")


FAKE_QEMU = """#!/usr/bin/env python3
import os, re, socket, struct, sys
if sys.argv[1:] == ["--help"]:
    sys.exit(print("QEMU emulator version 10.0.0\\n\\n-plugin FILE"))
arguments = " ".join(sys.argv)
qmp = socket.socket(fileno=int(re.search(r"socket,id=qmp,fd=(\\d+)", arguments)[1]))
qmp.sendall(b'{"QMP": {}}\\n')
qmp.recv(4096)
qmp.sendall(b'{"return": {}}\\n')
kind, content, last = KIND, CONTENT, LAST
if last:
    with open(re.search(r"file:(\\S+)", arguments)[1], "w") as console:
        console.write(last)
    sys.exit(1)
os.write(int(re.search(r"path=/dev/fd/(\\d+)", arguments)[1]), struct.pack("<II", kind, len(content)) + content)
qmp.recv(4096)
"""


def images_that_do_not_boot(scratch, mode):
    ready = struct.pack("<II", 2, 0) + b"6.6.6-none\n"
    other = struct.pack("<II", 1, 1) + b"6.6.6-none\n"
    for kind, content, last, text in (
            (1, ready, "", "kernel 6.6.6-none has no BTF (CONFIG_DEBUG_INFO_BTF)"),
            (1, other, "", "the guest's init is of another version of fptrace"),
            (7, b"no disk", "", "the guest's init: no disk"),
            (1, b"", "Kernel panic - not syncing: no root", "not boot: Kernel panic - not syncing: no root")):
        fake = scratch.dir / "qemu"
        fake.write_text(FAKE_QEMU.replace("KIND, CONTENT, LAST", repr((kind, content, last))))
        fake.chmod(0o755)
        outcome = run([FPTRACE, "image", "build", "fake"], env=dict(os.environ, FPTRACE_QEMU=str(fake)), timeout=100)
        outcome.stderr = outcome.stderr[outcome.stderr.rfind(b"\n", 0, -1) + 1:]  # without what it is at
        refused(outcome, text)
        check(b"fake" not in run([FPTRACE, "image", "list"]).stdout, "an image was left")


def root_file_system(scratch, mode):
    need("busybox", "tar")
    root = scratch.dir / "root"
    (root / "bin").mkdir(parents=True)
    (root / "etc").mkdir()
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "ls", "cat"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc/hello").write_text("hello from the root\n")
    os.link(root / "etc/hello", root / "etc/again")
    subprocess.run(["tar", "-C", root, "-czf", scratch.dir / "root.tgz", "."], check=True)
    for rootfs in (root, scratch.dir / "root.tgz"):
        argv = ["sh", "-c", "ls /; cat /etc/again; pwd"]
        recorded = record(scratch, argv, "--rootfs", rootfs, expect=0,
                          env=dict(os.environ, PATH="/sbin:/bin"))
        check(recorded.stdout == b"bin\ndev\netc\nproc\nsys\nhello from the root\n/\n", f"{recorded}")
        same(recorded, replay(scratch))
    check(record(scratch, ["python3"], "--rootfs", root).status == 127, "python3 in busybox")
    refused(record(scratch, ["sh"], "--rootfs", "/etc/passwd"), "/etc/passwd")


def main_with_image(cases):
    def with_image(case):
        def wrapped(scratch, mode):
            prepare()
            return case(scratch, mode)
        return wrapped

    return harness.main({name: with_image(case) for name, case in cases.items()}, traces=False)


def main():
    return main_with_image({f.__name__: f for f in (
        streams_and_status, much_data, as_the_caller, standard_input_is_a_file, not_a_program,
        ends_early, killed_outright, damaged_bundles, left_recordings,
        image_of_another_version, other_machine, no_qemu, doctor_tells, no_room, images,
        images_that_do_not_boot, root_file_system)})


if __name__ == "__main__":
    sys.exit(main())
