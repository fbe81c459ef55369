#!/usr/bin/env python3
"""Files have the owners that the package managers themselves name."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import harness
from harness import check, need

PROBE = os.environ.get("FPTRACE_OWNERS_PROBE", "owners_probe")
PYTHON = "/usr/bin/python3"  # Debian's, whatever else is in PATH


def sh(*argv, cwd=None, **env):
    """What a command that must succeed prints."""
    done = subprocess.run([str(a) for a in argv], cwd=cwd, env={**os.environ, **env}, timeout=100,
                          stdin=subprocess.DEVNULL, capture_output=True)
    check(done.returncode == 0, f"{argv}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="surrogateescape")


def owners(root, paths, problems=()):
    """{path: [owner, ...]}; of a configuration file the last one is "config"."""
    done = subprocess.run([PROBE, root], input="".join(f"{p}\n" for p in paths).encode(errors="surrogateescape"),
                          capture_output=True, timeout=60)
    said = done.stderr.decode().splitlines()
    check(done.returncode == 0, f"probe: {done.returncode} {said}")
    check(len(said) == len(problems) and all(p in s for p, s in zip(problems, said)), f"problems: {said}")
    lines = done.stdout.decode(errors="surrogateescape").split("\n")
    return {p: [o for o in line.split("\t") if o] for p, line in zip(paths, lines)}


def traced_packages(scratch, mode, argv, **env):
    """{path: package} of the files in the manifest of a run."""
    outcome = harness.run(scratch.traced(mode, argv), env={**os.environ, **env}, cwd=scratch.dir)
    check(outcome.status == 0, f"{argv}: {outcome}")
    manifest = json.loads(scratch.manifest.read_text())
    return {f["path"]: f.get("package") for f in manifest["files"]}, manifest


def write(path, text="x\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def expect(found, path, manager, name, version):
    package = found.get(str(path))
    check(package and (package["manager"], package["name"], package["version"]) == (manager, name, version),
          f"{path}: {package}, not {manager} {name} {version}")


# --- Debian --------------------------------------------------------------------------------------


def listed_files(package):
    """(canonical path) of what `dpkg -L` lists that is there and no directory."""
    found = []
    for line in sh("dpkg", "-L", package).splitlines():
        diverted = re.match(r"(?:locally diverted|diverted by \S+) to: (/.*)", line)
        if diverted and found:
            found[-1] = diverted[1]
        elif line.startswith("/"):
            found.append(line)
    places = {os.path.join(os.path.realpath(os.path.dirname(p)), os.path.basename(p)) for p in found}
    return sorted(p for p in places if os.path.lexists(p) and not os.path.isdir(p))


def dpkg_lists(scratch, mode):
    need("dpkg")
    said = []
    for package in ("libc6", "coreutils", "dash", "python3.11-minimal"):
        if subprocess.run(["dpkg", "-s", package], capture_output=True).returncode != 0:
            continue
        files = listed_files(package)
        found = owners("", files)
        wrong = [p for p in files if not any(o.split(" ")[:2] == ["dpkg", package] for o in found[p])]
        said.append(f"{package}: {len(files) - len(wrong)} of {len(files)}")
        check(files and not wrong, f"{said[-1]}; not: {wrong[:10]}")
    check(len(said) >= 3, f"too few of these packages are here: {said}")
    return "; ".join(said)


def dpkg_search(paths):
    """{path: set of packages} as `dpkg -S` finds them, by any spelling of a merged /usr."""
    spelling = {}
    for path in paths:
        spelling[path] = path
        top = re.match(r"/usr(/(?:bin|sbin|lib\w*)/.*)", path)
        if top and os.path.islink("/" + top[1].split("/")[1]):
            spelling[top[1]] = path
    done = subprocess.run(["dpkg-query", "-S", *(re.sub(r"([][*?\\])", r"\\\1", s) for s in spelling)],
                          capture_output=True, text=True)
    found = {path: set() for path in paths}
    for line in done.stdout.splitlines():
        if line.startswith(("diversion by ", "local diversion ")):
            continue
        packages, path = line.split(": ", 1)
        if path in spelling:
            found[spelling[path]] |= {p.split(":")[0] for p in packages.split(", ")}
    return found


def import_ssl(scratch, mode):
    need("dpkg-query", PYTHON)
    found, _ = traced_packages(scratch, mode, [PYTHON, "-c", "import ssl"])
    files = [p for p in found if p.startswith("/usr/") and not os.path.isdir(p)]
    dpkg = dpkg_search(files)
    unowned = [p for p in files if dpkg[p] and not found[p]]
    check(not unowned, f"dpkg owns {unowned}")
    for path in files:
        # Byte code is its source's.
        source = re.sub(r"/__pycache__/([^/.]+)\.[^/]*\.pyc$", r"/\1.py", path)
        real = dpkg[path] or dpkg_search([source])[source]
        mine = found[path]
        check(not mine or mine["manager"] != "dpkg" or mine["name"] in real, f"{path}: {mine}, not {real}")
    owned = sum(1 for p in files if found[p])
    check(owned > 30, f"only {owned} files of /usr")
    return f"{owned} of {len(files)} files of /usr have an owner; dpkg knows {sum(map(bool, dpkg.values()))}"


# --- rpm -----------------------------------------------------------------------------------------

SPEC = """Name: {name}
Version: 1.2
Release: 3
Epoch: 4
Summary: x
License: x
BuildArch: noarch
%description
x
%install
mkdir -p %{{buildroot}}/etc %{{buildroot}}/usr/bin %{{buildroot}}/usr/share/two
echo a > %{{buildroot}}/etc/{name}.conf
echo a > %{{buildroot}}/usr/bin/{name}
echo a > %{{buildroot}}/usr/share/two/shared
%files
%config(noreplace) /etc/{name}.conf
/usr/bin/{name}
/usr/share/two/shared
%ghost /var/log/{name}.log
"""


def build_rpm(scratch, name):
    spec = write(scratch.dir / f"{name}.spec", SPEC.format(name=name))
    spec.write_text(spec.read_text().replace("mkdir -p", "mkdir -p %{buildroot}/var/log", 1)
                    .replace("%files", f"touch %{{buildroot}}/var/log/{name}.log\n%files", 1))
    top = scratch.dir / "rpmbuild"
    sh("rpmbuild", "-bb", "--define", f"_topdir {top}", "--define", "_build_id_links none", spec,
       HOME=str(scratch.dir))
    return next((top / "RPMS").rglob(f"{name}-*.rpm"))


def rpm_database(scratch, mode):
    need("rpm", "rpmbuild")
    packages = [build_rpm(scratch, name) for name in ("alpha", "beta")]
    for directory in ("/var/lib/rpm", "/usr/lib/sysimage/rpm"):
        root = scratch.dir / f"root{directory.replace('/', '-')}"
        root.mkdir()
        options = ("--root", root, "--define", f"_dbpath {directory}")
        sh("rpm", *options, "--initdb")
        sh("rpm", *options, "-i", "--justdb", "--nodeps", "--noscripts", "--nosignature", *packages)
        # rpm itself says what to expect.
        listed = sh("rpm", *options, "-q", "alpha", "--qf", "[%{FILENAMES}\n]").split()
        check("/usr/bin/alpha" in listed, f"rpm: {listed}")
        before = sorted(p.name for p in (root / directory[1:]).iterdir())
        alpha, beta = (f"rpm {n} 4:1.2-3 noarch" for n in ("alpha", "beta"))
        found = owners(root, listed + ["/usr/bin/gamma"])
        check(found == {"/etc/alpha.conf": [alpha, "config"], "/usr/bin/alpha": [alpha],
                        "/usr/share/two/shared": [alpha, beta], "/var/log/alpha.log": [alpha],
                        "/usr/bin/gamma": []}, f"{directory}: {found}")
        after = sorted(p.name for p in (root / directory[1:]).iterdir())
        check(before == after, f"{before} became {after}")


# --- languages -----------------------------------------------------------------------------------


def wheel(path, name, version, files, scripts=""):
    info = f"{name}-{version}.dist-info"
    files = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    if scripts:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{scripts}\n"
    record = "".join(f"{f},,\n" for f in [*files, f"{info}/RECORD"])
    made = path / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as z:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            z.writestr(file, text)
    return made


def python_wheel(scratch, mode):
    need(PYTHON)
    venv = scratch.dir / "venv"
    sh(PYTHON, "-m", "venv", "--without-pip", venv)
    if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        raise harness.Skip("Debian's python3 has no pip")
    made = wheel(scratch.dir, "fruit", "1.5", {"fruit/__init__.py": "def main(): from . import pip\n",
                                               "fruit/pip.py": ""}, "eat = fruit:main")
    quiet = ("--no-index", "--no-deps", "--quiet", "--disable-pip-version-check", "--no-cache-dir")
    sh(PYTHON, "-m", "pip", "--python", venv / "bin/python", "install", *quiet, made)
    found, _ = traced_packages(scratch, mode, [venv / "bin/eat"])
    site = next(venv.glob("lib/python3*/site-packages"))
    for path in (venv / "bin/eat", site / "fruit/__init__.py", site / "fruit/pip.py",
                 *(site / "fruit/__pycache__").iterdir()):
        expect(found, path, "pypi", "fruit", "1.5")
    target = scratch.dir / "target"
    sh(PYTHON, "-m", "pip", "install", *quiet, "--target", target, made)
    found, _ = traced_packages(scratch, mode, [PYTHON, "-c", "import fruit"], PYTHONPATH=str(target))
    expect(found, target / "fruit/__init__.py", "pypi", "fruit", "1.5")
    wrong = [p for p, owner in found.items() if owner and owner["manager"] == "pypi" and p.startswith("/usr/lib")]
    check(not wrong, f"Debian's are dpkg's first: {wrong}")


def npm_package(scratch, mode):
    need("npm", "node")
    tarballs = []
    for name in ("plain", "@scope/inner"):
        source = scratch.dir / name.replace("/", "-")
        write(source / "package.json", json.dumps({"name": name, "version": "2.0.1", "main": "lib/main.js"}))
        write(source / "lib/main.js", "module.exports = 1\n")
        write(source / "lib/package.json", '{"type": "commonjs"}')
        sh("npm", "pack", "--silent", source, cwd=scratch.dir, HOME=str(scratch.dir))
        tarballs.append(max(scratch.dir.glob("*.tgz"), key=lambda p: p.stat().st_mtime_ns))
    app, world = scratch.dir / "app", scratch.dir / "world"
    write(app / "package.json", '{"name": "app", "version": "1.0.0"}')
    common = ("--offline", "--no-audit", "--no-fund", "--silent", *tarballs)
    sh("npm", "install", *common, cwd=app, HOME=str(scratch.dir))
    sh("npm", "install", "--global", "--prefix", world, *common, HOME=str(scratch.dir))
    for modules in (app / "node_modules", world / "lib/node_modules"):
        script = "".join(f"require('{modules}/{n}');" for n in ("plain", "@scope/inner"))
        found, _ = traced_packages(scratch, mode, ["node", "-e", script])
        for name in ("plain", "@scope/inner"):
            expect(found, modules / name / "lib/main.js", "npm", name, "2.0.1")
            expect(found, modules / name / "package.json", "npm", name, "2.0.1")


def ruby_gem(scratch, mode):
    need("gem", "ruby")
    write(scratch.dir / "lib/sweet.rb", "module Sweet; end\n")
    write(scratch.dir / "sweet.gemspec", "Gem::Specification.new do |s|\n  s.name = 'sweet'\n  s.version = '0.3.1'\n"
          "  s.summary = s.description = 'x'\n  s.authors = ['x']\n  s.files = ['lib/sweet.rb']\nend\n")
    home = scratch.dir / "gems-of-mine"
    sh("gem", "build", "--silent", "sweet.gemspec", cwd=scratch.dir)
    sh("gem", "install", "--local", "--no-document", "--install-dir", home, "sweet-0.3.1.gem", cwd=scratch.dir)
    found, _ = traced_packages(scratch, mode, ["ruby", "-e", "require 'sweet'"], GEM_HOME=str(home), GEM_PATH=str(home))
    expect(found, home / "gems/sweet-0.3.1/lib/sweet.rb", "gem", "sweet", "0.3.1")
    expect(found, home / "specifications/sweet-0.3.1.gemspec", "gem", "sweet", "0.3.1")


def r_package(scratch, mode):
    need("R", "Rscript")
    source, library = scratch.dir / "apples", scratch.dir / "library"
    write(source / "DESCRIPTION", "Package: apples\nVersion: 0.2-1\nTitle: X\nDescription: X.\nLicense: GPL-2\n"
          "Author: x\nMaintainer: x <x@example.org>\n")
    write(source / "NAMESPACE", "export(core)\n")
    write(source / "R/core.R", "core <- function() 1\n")
    library.mkdir()
    sh("R", "CMD", "INSTALL", "--no-docs", "--no-test-load", f"--library={library}", source)
    found, _ = traced_packages(scratch, mode, ["Rscript", "-e", f"library(apples, lib.loc='{library}')"])
    mine = [p for p in found if p.startswith(f"{library}/apples/") and Path(p).is_file()]
    check(len(mine) >= 3, f"R read only {mine}")
    for path in mine:
        expect(found, path, "cran", "apples", "0.2-1")


def java_archive(scratch, mode):
    pom = write(scratch.dir / "META-INF/maven/org.example/pear/pom.properties",
                "#made\ngroupId=org.example\nartifactId=pear\nversion=3.1\n")
    made = scratch.dir / "pear-3.1.jar"
    if shutil.which("jar"):
        sh("jar", "--create", "--file", made, "-C", scratch.dir, "META-INF")
    else:
        with zipfile.ZipFile(made, "w") as z:
            z.write(pom, pom.relative_to(scratch.dir))
    plain = scratch.dir / "plum.jar"
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nImplementation-Title: plu\r\n m\r\n"
                   "Implementation-Version: 7\r\n\r\nName: x\r\nImplementation-Version: 8\r\n")
    broken = write(scratch.dir / "broken.jar", "no zip")
    found, manifest = traced_packages(scratch, mode, ["cat", made, plain, broken])
    expect(found, made, "maven", "org.example:pear", "3.1")
    expect(found, plain, "maven", "plum", "7")
    gaps = [g["what"] for g in manifest["coverage"]["undecoded"]]
    check(any(str(broken) in g for g in gaps), f"nothing is said of the broken one: {gaps}")


def conda_prefix(scratch, mode):
    prefix = scratch.dir / "conda"
    write(prefix / "conda-meta/grape-1.4-h0.json", json.dumps(
        {"name": "grape", "version": "1.4", "subdir": "linux-64", "build": "h0", "depends": ["x"],
         "files": ["bin/grape", "lib/libgrape.so"], "paths_data": {"paths": [{"files": ["bin/other"]}]}}))
    files = [write(prefix / f) for f in ("bin/grape", "lib/libgrape.so", "bin/other")]
    found, _ = traced_packages(scratch, mode, ["cat", *files])
    expect(found, files[0], "conda", "grape", "1.4")
    expect(found, files[1], "conda", "grape", "1.4")
    check(found[str(files[2])] is None, f"{found[str(files[2])]}")


if __name__ == "__main__":
    sys.exit(harness.main({f.__name__: f for f in (
        dpkg_lists, import_ssl, rpm_database, python_wheel, npm_package, ruby_gem, r_package, java_archive,
        conda_prefix)}))
