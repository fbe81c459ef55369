"""Checks an SBOM against what the specifications of SPDX 2.3 and CycloneDX 1.5 demand.

SPDX's schema comes with no package of Debian's or npm's, so its rules (and those of the text that
a schema cannot say) are written out here, section numbers with them. CycloneDX's comes with an npm
package; cyclonedx_schema() fetches it, and what a schema cannot say is here too.
"""

import hashlib
import json
import re
import subprocess
import tarfile
from pathlib import Path

from harness import Skip, check, need

SPDX_DOCUMENT = {"SPDXID", "annotations", "comment", "creationInfo", "dataLicense", "documentDescribes",
                 "documentNamespace", "externalDocumentRefs", "files", "hasExtractedLicensingInfos", "name",
                 "packages", "relationships", "revieweds", "snippets", "spdxVersion"}
SPDX_ITEM = {"SPDXID", "annotations", "attributionTexts", "checksums", "comment", "copyrightText",
             "licenseComments", "licenseConcluded"}
SPDX_PACKAGE = SPDX_ITEM | {
    "builtDate", "description", "downloadLocation", "externalRefs", "filesAnalyzed", "hasFiles", "homepage",
    "licenseDeclared", "licenseInfoFromFiles", "name", "originator", "packageFileName",
    "packageVerificationCode", "primaryPackagePurpose", "releaseDate", "sourceInfo", "summary", "supplier",
    "validUntilDate", "versionInfo"}
SPDX_FILE = SPDX_ITEM | {"artifactOfs", "fileContributors", "fileDependencies", "fileName", "fileTypes",
                         "licenseInfoInFiles", "noticeText"}
PURPOSES = {"APPLICATION", "FRAMEWORK", "LIBRARY", "CONTAINER", "OPERATING_SYSTEM", "DEVICE", "FIRMWARE",
            "SOURCE", "ARCHIVE", "FILE", "INSTALL", "OTHER"}
FILE_TYPES = {"SOURCE", "BINARY", "ARCHIVE", "APPLICATION", "AUDIO", "IMAGE", "TEXT", "VIDEO",
              "DOCUMENTATION", "SPDX", "OTHER"}
DIGITS = {"SHA1": 40, "SHA256": 64}
ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
AGENT = re.compile(r"(Person|Organization): .+|NOASSERTION")
PURL = re.compile(r"pkg:[a-z]+/([A-Za-z0-9._~:%-]+/)*[A-Za-z0-9._~:%-]+(@[A-Za-z0-9._~:%-]+)?"
                  r"(\?[a-z_]+=[A-Za-z0-9._~:%-]+(&[a-z_]+=[A-Za-z0-9._~:%-]+)*)?")


def has(what, where, required, allowed=None):
    for key in required:
        check(key in what, f"{where}: no {key}")
    if allowed is not None:
        check(set(what) <= allowed, f"{where}: not in SPDX: {set(what) - allowed}")
    for key, value in what.items():
        check(value is not None and value != "", f"{where}.{key}: empty")


def check_spdx_checksums(what, where, demanded):
    algorithms = [c["algorithm"] for c in what.get("checksums", [])]
    check(len(set(algorithms)) == len(algorithms), f"{where}: an algorithm twice")
    for c in what.get("checksums", []):
        has(c, where + ".checksums", ("algorithm", "checksumValue"), {"algorithm", "checksumValue"})
        check(re.fullmatch(f"[0-9a-f]{{{DIGITS[c['algorithm']]}}}", c["checksumValue"]), f"{where}: {c}")
    check(set(demanded) <= set(algorithms), f"{where}: no {demanded}")  # 8.4


def check_licence(text, where, references):
    """Annex D, as far as fptrace uses it: names, AND, OR and parentheses."""
    if text in ("NOASSERTION", "NONE"):
        return
    tokens = re.findall(r"[()]|[^()\s]+", text)
    depth, operand = 0, False
    for token in tokens:
        if token == "(":
            check(not operand, f"{where}: {text}")
            depth += 1
        elif token == ")":
            check(operand and depth > 0, f"{where}: {text}")
            depth -= 1
        elif token in ("AND", "OR"):
            check(operand, f"{where}: {text}")
            operand = False
        else:
            check(not operand and re.fullmatch(r"[A-Za-z0-9.-]+", token), f"{where}: {text}")
            if token.startswith("LicenseRef-"):
                check(token in references, f"{where}: {token} has no text")
            operand = True
    check(operand and depth == 0, f"{where}: {text}")


def check_spdx_package(p, references):
    where = "package " + p.get("name", "?")
    has(p, where, ("SPDXID", "name", "downloadLocation"), SPDX_PACKAGE)  # 7.1, 7.2, 7.7
    check(p.get("primaryPackagePurpose") in PURPOSES, where)  # 7.24
    check_spdx_checksums(p, where, ())
    check(("packageVerificationCode" in p) == p["filesAnalyzed"], f"{where}: 7.8 and 7.9")
    check(AGENT.fullmatch(p.get("supplier", "NOASSERTION")), f"{where}: supplier {p.get('supplier')}")
    for key in ("licenseConcluded", "licenseDeclared"):
        check_licence(p[key], f"{where}.{key}", references)
    for ref in p.get("externalRefs", []):
        has(ref, where, ("referenceCategory", "referenceType", "referenceLocator"),
            {"referenceCategory", "referenceType", "referenceLocator", "comment"})
        check(ref["referenceCategory"] == "PACKAGE-MANAGER" and ref["referenceType"] == "purl", f"{where}: {ref}")
        check(PURL.fullmatch(ref["referenceLocator"]), f"{where}: {ref}")  # Annex F


def check_spdx(text):
    d = json.loads(text)
    has(d, "document", ("spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo"),
        SPDX_DOCUMENT)
    check((d["spdxVersion"], d["dataLicense"], d["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"), "6")
    check(re.fullmatch(r"https://[^#\s]+", d["documentNamespace"]), "6.5: " + d["documentNamespace"])
    has(d["creationInfo"], "creationInfo", ("created", "creators"), {"created", "creators", "comment"})
    check(TIME.fullmatch(d["creationInfo"]["created"]), "6.9: " + d["creationInfo"]["created"])
    for creator in d["creationInfo"]["creators"]:
        check(re.fullmatch(r"Tool: \S+-\S+", creator), "6.8: " + creator)
    references = {}
    for info in d.get("hasExtractedLicensingInfos", []):  # 10
        has(info, "licence", ("licenseId", "extractedText"), {"licenseId", "extractedText", "name"})
        check(info["licenseId"] not in references, info["licenseId"] + " twice")
        references[info["licenseId"]] = info["extractedText"]
    for p in d["packages"]:
        check_spdx_package(p, references)
    for f in d["files"]:
        has(f, "file", ("SPDXID", "fileName", "checksums"), SPDX_FILE)
        check(f["fileName"].startswith("./"), "8.1: " + f["fileName"])
        check_spdx_checksums(f, f["fileName"], ("SHA1",))
        check(set(f.get("fileTypes", [])) <= FILE_TYPES, "8.3: " + f["fileName"])
    check_spdx_relations(d)
    return d


def check_spdx_relations(d):
    ids = [x["SPDXID"] for x in [d, *d["packages"], *d["files"]]]
    check(len(set(ids)) == len(ids), "an SPDXID twice")
    for i in ids:
        check(ID.fullmatch(i), "6.3: " + i)
    packages = {p["SPDXID"]: p for p in d["packages"]}
    files = {f["SPDXID"]: f for f in d["files"]}
    contained = {}
    described = set()
    for r in d["relationships"]:
        has(r, "relationship", ("spdxElementId", "relatedSpdxElement", "relationshipType"),
            {"spdxElementId", "relatedSpdxElement", "relationshipType"})
        check(r["spdxElementId"] in ids and r["relatedSpdxElement"] in ids, f"dangling: {r}")
        check(r["relationshipType"] in ("DESCRIBES", "CONTAINS", "DEPENDS_ON", "DYNAMIC_LINK"), str(r))
        if r["relationshipType"] == "CONTAINS":
            contained.setdefault(r["spdxElementId"], set()).add(r["relatedSpdxElement"])
        if r["relationshipType"] == "DESCRIBES":
            described.add(r["relatedSpdxElement"])
    unique = {(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in d["relationships"]}
    check(len(unique) == len(d["relationships"]), "a relationship twice")
    check(described, "11: DESCRIBES nothing")
    for i in files:
        check(any(i in c for c in contained.values()), f"{i}: in no package")
    for i, p in packages.items():
        hashes = sorted(c["checksumValue"] for f in contained.get(i, ()) if f in files
                        for c in files[f]["checksums"] if c["algorithm"] == "SHA1")
        check(p["filesAnalyzed"] == bool(hashes), f"{i}: 7.8")
        if hashes:  # 7.9
            code = hashlib.sha1("".join(hashes).encode()).hexdigest()
            check(p["packageVerificationCode"] == {"packageVerificationCodeValue": code}, f"{i}: {code}")


def cyclonedx_schema(cache):
    """The published schema and those it refers to, by name. Never part of our sources."""
    need("npm")
    cache = Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    packed = cache / "cyclonedx-cyclonedx-library-10.3.0.tgz"
    if not packed.exists():
        got = subprocess.run(["npm", "pack", "--silent", "@cyclonedx/cyclonedx-library@10.3.0"], cwd=cache,
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=90)
        if got.returncode != 0 or not packed.exists():
            raise Skip("the npm package with CycloneDX's schema cannot be had: " + got.stderr.decode()[-200:])
    schemas = {}
    with tarfile.open(packed) as tar:
        for member in tar.getmembers():
            name = Path(member.name).name
            if name in ("bom-1.5.SNAPSHOT.schema.json", "spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"):
                schema = json.load(tar.extractfile(member))
                schemas[schema["$id"]] = schema
    return schemas


def check_cyclonedx_schema(text, schemas):
    try:
        import jsonschema
    except ImportError:
        raise Skip("no python3-jsonschema") from None
    main = schemas["http://cyclonedx.org/schema/bom-1.5.schema.json"]
    resolver = jsonschema.RefResolver(main["$id"], main, store=schemas)
    validator = jsonschema.Draft7Validator(main, resolver=resolver, format_checker=jsonschema.FormatChecker())
    errors = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(json.loads(text))]
    check(not errors, "\n  ".join(errors[:10]))
    check(list(validator.iter_errors({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 0})),
          "the schema lets anything pass")


def check_cyclonedx(text):
    d = json.loads(text)
    has(d, "document", ("bomFormat", "specVersion", "serialNumber", "version", "metadata"))
    check((d["bomFormat"], d["specVersion"]) == ("CycloneDX", "1.5"), "format")
    check(re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                       d["serialNumber"]), d["serialNumber"])
    check(TIME.fullmatch(d["metadata"]["timestamp"]), "timestamp")
    refs = set()
    todo = [d["metadata"]["component"], *d["components"]]
    while todo:
        c = todo.pop()
        has(c, "component", ("type", "name", "bom-ref"))
        check(c["type"] in ("application", "library", "data", "file"), c["type"])
        check(c["bom-ref"] not in refs, c["bom-ref"] + " twice")
        check("purl" not in c or PURL.fullmatch(c["purl"]), str(c.get("purl")))
        refs.add(c["bom-ref"])
        for h in c.get("hashes", []):
            size = {"SHA-1": 40, "SHA-256": 64}[h["alg"]]
            check(re.fullmatch(f"[0-9a-f]{{{size}}}", h["content"]), str(h))
        todo += c.get("components", [])
    seen = set()
    for dependency in d["dependencies"]:
        check(dependency["ref"] in refs and dependency["ref"] not in seen, str(dependency))
        seen.add(dependency["ref"])
        check(set(dependency.get("dependsOn", [])) <= refs, str(dependency))
    return d
