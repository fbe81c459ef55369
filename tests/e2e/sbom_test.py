#!/usr/bin/env python3
"""fptrace sbom on traces of real programs."""

import hashlib
import json
import os
import sys
from pathlib import Path

import harness
import sbom_check
from harness import FPTRACE, check

CACHE = os.environ.get("FPTRACE_E2E_CACHE", "/tmp")
PIPELINE = ["sh", "-c", "ls / | sort >out; cat out own"]


def with_epoch(seconds="1700000000"):
    return {**os.environ, "SOURCE_DATE_EPOCH": seconds}


def sbom(*args, env=None, status=0):
    made = harness.run([FPTRACE, "sbom", *args], env=env or with_epoch())
    check(made.status == status, f"sbom {args}: {made}")
    return made


def trace(scratch, mode, argv=None):
    work = scratch.work()
    (work / "own").write_text("mine")
    log = scratch.dir / "run.fplog"
    done = harness.run(scratch.traced(mode, argv or PIPELINE, "-l", str(log)), cwd=work)
    check(done.status == 0, str(done))
    return scratch.manifest, log


def spdx_is_valid(scratch, mode):
    manifest, _ = trace(scratch, mode)
    d = sbom_check.check_spdx(sbom(manifest).stdout)
    files = {f["fileName"]: f for f in d["files"]}
    own = files["." + str(scratch.dir / "work" / "own")]
    sums = {c["algorithm"]: c["checksumValue"] for c in own["checksums"]}
    check(sums == {"SHA1": hashlib.sha1(b"mine").hexdigest(), "SHA256": hashlib.sha256(b"mine").hexdigest()},
          f"hashes of own: {sums}")
    check(d["creationInfo"]["created"] == "2023-11-14T22:13:20Z", d["creationInfo"]["created"])
    return f"{len(d['packages'])} packages, {len(d['files'])} files, {len(d['relationships'])} relationships"


def packages_depend_on_libraries(scratch, mode):
    harness.need("dpkg-query")
    manifest, _ = trace(scratch, mode)
    d = sbom_check.check_spdx(sbom(manifest).stdout)
    names = {p["SPDXID"]: p["name"] for p in d["packages"]}
    needs = {(names[r["spdxElementId"]], names[r["relatedSpdxElement"]]) for r in d["relationships"]
             if r["relationshipType"] == "DEPENDS_ON"}
    check({("sh", "dash"), ("dash", "coreutils"), ("coreutils", "libc6"), ("dash", "libc6")} <= needs, str(needs))
    check(not any(to == "sh" for _, to in needs), str(needs))
    libc = next(p for p in d["packages"] if p["name"] == "libc6")
    version = harness.run(["dpkg-query", "-W", "-f", "${Version} ${Maintainer}", "libc6"]).stdout.decode()
    check(version.startswith(libc["versionInfo"] + " "), f"{version} {libc}")
    check(libc["supplier"].split(": ")[1].split(" (")[0] in version, libc["supplier"])
    coreutils = next(p for p in d["packages"] if p["name"] == "coreutils")
    check("GPL-3.0-or-later" in coreutils["licenseDeclared"], coreutils["licenseDeclared"])


def cyclonedx_is_valid(scratch, mode):
    manifest, _ = trace(scratch, mode)
    d = sbom_check.check_cyclonedx(sbom("--format", "cyclonedx", manifest).stdout)
    return f"{len(d['components'])} components"


def cyclonedx_keeps_the_schema(scratch, mode):
    schemas = sbom_check.cyclonedx_schema(CACHE)
    manifest, _ = trace(scratch, mode)
    sbom_check.check_cyclonedx_schema(sbom("--format", "cyclonedx", manifest).stdout, schemas)


def equal_input_gives_equal_documents(scratch, mode):
    manifest, log = trace(scratch, mode)
    for form in ("spdx", "cyclonedx"):
        first = sbom("--format", form, manifest).stdout
        check(sbom("--format", form, manifest).stdout == first, f"{form}: two differ")
        check(sbom("--format", form, log).stdout == first, f"{form}: that of the log differs")
        out = scratch.dir / "out.json"
        check(sbom("--format", form, "-o", out, manifest).stdout == b"", "something on standard output")
        check(out.read_bytes() == first, f"{form}: that in a file differs")
        other = sbom("--format", form, manifest, env=with_epoch("1700000001")).stdout
        check(other != first and len(other) == len(first), f"{form}: the time is not in it")


def changed_file_has_no_sha1(scratch, mode):
    manifest, _ = trace(scratch, mode)
    own = scratch.dir / "work" / "own"
    own.write_text("else")
    made = sbom(manifest)
    d = sbom_check.check_spdx(made.stdout)
    lost = [p for p in d["packages"] if p["primaryPackagePurpose"] == "FILE"]
    check([p["name"] for p in lost] == [str(own)], str(lost))
    check(lost[0]["checksums"][0]["checksumValue"] == hashlib.sha256(b"mine").hexdigest(), str(lost))
    check(b"warning: 1 of " in made.stderr, str(made.stderr))
    sbom_check.check_cyclonedx(sbom("--format", "cyclonedx", manifest).stdout)


def odd_names_are_valid(scratch, mode):
    work = scratch.work()
    odd = [b"a\xffb", b"new\nline", "é日".encode(), b'q"\\']
    for name in odd:
        (Path(os.fsdecode(os.fsencode(work) + b"/" + name))).write_bytes(name)
    done = harness.run(scratch.traced(mode, ["sh", "-c", "cat *"]), cwd=work)
    check(done.status == 0, str(done))
    d = sbom_check.check_spdx(sbom(scratch.manifest).stdout)
    names = "".join(f["fileName"] for f in d["files"])
    for part in ("a\\xffb", "new\nline", "é日", 'q"\\'):
        check(part in names, f"{part!r} not in {names!r}")
    sbom_check.check_cyclonedx(sbom("--format", "cyclonedx", scratch.manifest).stdout)


def bad_input_is_refused(scratch, mode):
    manifest, log = trace(scratch, mode)
    out = scratch.dir / "out.json"
    whole = json.loads(manifest.read_text())
    for name, content, said in (
            ("cut short", manifest.read_bytes()[:-100], b"not JSON"),
            ("other schema", json.dumps({**whole, "schema": "fptrace.manifest/9"}).encode(), b"not known"),
            ("escape", json.dumps({**whole, "outputs": [{"path": "/a/../b"}]}).encode(), b"outputs[0].path"),
            ("text", b"hello\n", b"neither a manifest"), ("nothing", b"", b"neither a manifest")):
        bad = scratch.dir / "bad"
        bad.write_bytes(content)
        made = sbom("-o", out, bad, status=125)
        check(said in made.stderr, f"{name}: {made.stderr}")
        check(not out.exists(), f"{name}: something was written")
    check(b"No such file" in sbom(scratch.dir / "none", status=125).stderr, "no such file")
    half = scratch.dir / "half.fplog"
    half.write_bytes(log.read_bytes()[:log.stat().st_size * 9 // 10])
    check(b"cut short" in sbom("-o", out, half, status=125).stderr, "log cut short")


def nothing_is_half_written(scratch, mode):
    manifest, _ = trace(scratch, mode)
    before = sorted(os.listdir(scratch.dir))
    check(b"fptrace sbom: write " in sbom("-o", scratch.dir / "no" / "dir", manifest, status=125).stderr, "no dir")
    check(b"directory" in sbom("-o", scratch.dir, manifest, status=125).stderr, "a directory")
    sbom("-o", manifest, manifest, status=2)
    sbom("--format", "xml", manifest, status=2)
    sbom(status=2)
    check(b"SOURCE_DATE_EPOCH" in sbom(manifest, env=with_epoch("yesterday"), status=125).stderr, "epoch")
    check(sorted(os.listdir(scratch.dir)) == before, f"left behind: {os.listdir(scratch.dir)}")
    full = harness.run(["sh", "-c", 'exec "$0" sbom "$1" >/dev/full', FPTRACE, manifest], env=with_epoch())
    check(full.status == 125 and b"standard output" in full.stderr, f"full: {full}")


if __name__ == "__main__":
    sys.exit(harness.main({f.__name__: f for f in (
        spdx_is_valid, packages_depend_on_libraries, cyclonedx_is_valid, cyclonedx_keeps_the_schema,
        equal_input_gives_equal_documents, changed_file_has_no_sha1, odd_names_are_valid, bad_input_is_refused,
        nothing_is_half_written)}))
