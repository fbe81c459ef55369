"""osi_test.py SERIES CPU: boots a kernel of that series ("6.1") on that CPU model with osi_scene as its
init, and compares what introspection finds in its memory with what its own /proc says.

OSI_SCENE and OSI_CHECK name the two programs, OSI_CACHE a directory for kernels. Exits with 77 where
this machine has no such kernel or no QEMU, unless FPTRACE_REQUIRE_BACKENDS names Emu.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import boot_scene
import kernels

MEGABYTES = 256


def room():
    """Where guest memory fits: in memory if there is enough."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 4 * MEGABYTES << 20 else None


def main(series, cpu):
    # Also when it takes too long, the guest's memory goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        for program in ("qemu-system-x86_64", "mke2fs"):
            if not shutil.which(program):
                raise kernels.Unavailable(f"no {program} on this machine")
        kernel, modules = kernels.fetch(series, os.environ["OSI_CACHE"])
    except kernels.Unavailable as e:
        print(f"skipped: {e}")
        return 1 if "Emu" in os.environ.get("FPTRACE_REQUIRE_BACKENDS", "").split(",") else 77
    with tempfile.TemporaryDirectory(prefix="fptrace.osi.", dir=room()) as out:
        try:
            ram, notes = boot_scene.boot(kernel, os.environ["OSI_SCENE"], out, modules, cpu, MEGABYTES)
        except boot_scene.SceneError as e:
            print(e)
            return 1
        return subprocess.run([os.environ["OSI_CHECK"], ram, notes], check=False, timeout=60).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
