"""Checks the sample manifests against docs/manifest.schema.json, and that the schema bites."""
import copy
import json
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

with open(sys.argv[1], encoding="utf-8") as f:
    schema = json.load(f)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
lines = subprocess.run([sys.argv[2]], stdout=subprocess.PIPE, check=True).stdout.splitlines()
documents = [json.loads(line) for line in lines]
assert len(documents) == 2
for document in documents:
    validator.validate(document)


def refused(change):
    broken = copy.deepcopy(documents[0])
    change(broken)
    assert not validator.is_valid(broken), change.__name__


def unknown_schema(d): d["schema"] = "fptrace.manifest/2"
def no_files(d): del d["files"]
def unknown_role(d): d["files"][0]["roles"] = ["friend"]
def short_hash(d): d["files"][0]["sha256"] = "ab"
def decimal_mode(d): d["files"][0]["mode"] = 493
def unknown_key(d): d["files"][0]["colour"] = "blue"
def relative_path(d): d["outputs"][0]["path"] = "out"


for change in (unknown_schema, no_files, unknown_role, short_hash, decimal_mode, unknown_key,
               relative_path):
    refused(change)
