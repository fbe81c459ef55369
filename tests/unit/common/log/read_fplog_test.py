"""Reads what LogWriter writes with the independent reader, and compares with `fptrace log --json`.

usage: read_fplog_test.py WRITE_SAMPLE_LOG PROTOC SOURCE_DIR JSON_LINES
Exit status 77, with the reason, when a Python module is missing.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

try:
    import google.protobuf  # noqa: F401
    import xxhash  # noqa: F401
    import zstandard  # noqa: F401
except ImportError as e:
    print(f"SKIPPED: {e}; apt install python3-protobuf python3-xxhash python3-zstandard")
    sys.exit(77)


def main(write_sample_log, protoc, source_dir, json_lines):
    with tempfile.TemporaryDirectory() as scratch:
        log = pathlib.Path(scratch, "sample.fplog")
        subprocess.run([write_sample_log, log], check=True)
        subprocess.run([protoc, "--proto_path", source_dir, "--python_out", scratch,
                        "common/log/event.proto"], check=True, cwd=source_dir)
        sys.path.insert(0, scratch)
        from common.log import event_pb2
        import read_fplog
        got = list(read_fplog.read(log.read_bytes(), event_pb2))
    expected = [json.loads(line) for line in pathlib.Path(json_lines).read_text().splitlines()]
    assert len(expected) > 50, "an empty expectation proves nothing"
    for g, e in zip(got, expected):
        assert g == e, f"event {e['seq']} differs\nread:     {g}\nexpected: {e}"
    assert len(got) == len(expected), f"{len(got)} events instead of {len(expected)}"
    print(f"{len(got)} events, all equal")


main(*sys.argv[1:])
