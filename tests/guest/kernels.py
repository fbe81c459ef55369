"""Kernels to boot a guest with: Debian's packages for virtual machines, unpacked and never installed."""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

METAPACKAGE = "linux-image-cloud-amd64"


class Unavailable(Exception):
    """There is no such kernel here; says why."""


def output(*command, cwd=None):
    try:
        run = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=cwd, timeout=300)
    except OSError as e:
        raise Unavailable(f"{command[0]}: {e.strerror}") from None
    if run.returncode != 0:
        raise Unavailable(f"{' '.join(command)}: {run.stderr.strip() or run.returncode}")
    return run.stdout


def package_of(series):
    """The newest kernel package of a series ("6.1") that apt knows."""
    versions = [line.split("|")[1].strip() for line in output("apt-cache", "madison", METAPACKAGE).splitlines()]
    for version in versions:  # newest first
        if not re.match(rf"{re.escape(series)}[.-]", version):
            continue
        found = re.search(r"^Depends: .*?(linux-image-[^ ,]+)", output("apt-cache", "show", f"{METAPACKAGE}={version}"), re.M)
        if found:
            return found[1]
    raise Unavailable(f"apt knows no Linux {series} (versions of {METAPACKAGE}: {', '.join(versions) or 'none'})")


def fetch(series, cache):
    """(kernel, directory of its modules); downloaded once into `cache`."""
    cache = pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        package = package_of(series)
        unpacked = cache / package
        if not unpacked.exists():
            work = pathlib.Path(tempfile.mkdtemp(dir=cache))
            try:
                output("apt-get", "-q", "download", package, cwd=work)
                (archive,) = work.glob("*.deb")
                output("dpkg-deb", "-x", str(archive), str(work / "root"))
                os.rename(work / "root", unpacked)
            finally:
                shutil.rmtree(work)
    (kernel,) = (unpacked / "boot").glob("vmlinuz-*")
    # Where it is with merged directories, and where it was before.
    modules = next(d for d in (unpacked / "usr/lib/modules", unpacked / "lib/modules") if d.is_dir())
    return kernel, modules
