"""Boots a kernel with osi_scene as its init and keeps the guest's memory and what it noted.

    boot_scene.py --kernel VMLINUZ [--modules DIR] --scene INIT --out DIR [--cpu MODEL]

leaves DIR/ram (guest memory at the moment of the notes) and DIR/notes.
"""

import argparse
import ctypes
import lzma
import pathlib
import signal
import subprocess
import sys

MODULES = ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
           "virtio_blk"]
# What the scene hands to isa-debug-exit, as QEMU makes an exit status of it: (value << 1) | 1.
STOPPED, FAILED = 0x10 << 1 | 1, 0x20 << 1 | 1


class SceneError(Exception):
    pass


def cpio(entries):
    """An archive in the "newc" format: (name, mode, content, rdev) each."""
    out = bytearray()
    for number, (name, mode, content, rdev) in enumerate([*entries, ("TRAILER!!!", 0, b"", (0, 0))]):
        fields = [number + 1, mode, 0, 0, 1, 0, len(content), 0, 0, *rdev, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + content
        out += bytes(-len(out) % 4)
    return bytes(out)


def modules(directory):
    """The driver of the disk, where it is not built in; some kernels have their modules packed."""
    for name in MODULES if directory else []:
        for path in pathlib.Path(directory).rglob(f"{name}.ko*"):
            content = path.read_bytes()
            yield f"modules/{name}.ko", 0o100644, lzma.decompress(content) if path.suffix == ".xz" else content, (0, 0)


def die_with_parent():
    pr_set_pdeathsig = 1  # linux/prctl.h
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


def boot(kernel, scene, out, modules_dir=None, cpu="qemu64", megabytes=256, timeout=150):
    """Returns (ram, notes), both paths below `out`."""
    out = pathlib.Path(out)
    ram, notes, disk, initrd = (out / name for name in ("ram", "notes", "disk", "initrd"))
    initrd.write_bytes(cpio([("dev", 0o040755, b"", (0, 0)), ("dev/console", 0o020600, b"", (5, 1)),
                             ("init", 0o100755, pathlib.Path(scene).read_bytes(), (0, 0)),
                             ("modules", 0o040755, b"", (0, 0)), *modules(modules_dir)]))
    with open(disk, "wb") as f:
        f.truncate(8 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", str(disk)], check=True)
    for path in (ram, notes):
        path.unlink(missing_ok=True)
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
               "-accel", "tcg", "-cpu", cpu, "-m", f"{megabytes}M",
               "-object", f"memory-backend-file,id=ram,share=on,mem-path={ram},size={megabytes}M",
               "-machine", "pc,memory-backend=ram,hpet=off", "-kernel", str(kernel), "-initrd", str(initrd),
               "-append", "console=ttyS0 quiet panic=-1", "-serial", f"file:{out / 'console'}",
               "-chardev", f"file,id=notes,path={notes}", "-device", "isa-debugcon,iobase=0xe9,chardev=notes",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
               "-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk"]
    try:
        run = subprocess.run(command, timeout=timeout, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                             preexec_fn=die_with_parent)
    except subprocess.TimeoutExpired:
        raise SceneError(f"the guest did not end within {timeout} s") from None
    if run.returncode != STOPPED:
        said = notes.read_text(errors="replace")[-500:] if run.returncode == FAILED else (out / "console").read_text(errors="replace")[-2000:]
        raise SceneError(f"the guest ended with {run.returncode}: {run.stderr} {said}")
    return ram, notes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("kernel", "scene", "out"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--modules")
    parser.add_argument("--cpu", default="qemu64")
    options = parser.parse_args()
    try:
        boot(options.kernel, options.scene, options.out, options.modules, options.cpu)
    except SceneError as e:
        sys.exit(str(e))


if __name__ == "__main__":
    main()
