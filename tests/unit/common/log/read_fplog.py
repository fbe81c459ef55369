"""An event log reader that knows only docs/log-format.md and common/log/event.proto.

read(bytes, event_pb2) yields the events as the JSON lines of `fptrace log --json` describe them.
"""

import base64
import errno
import struct

import xxhash
import zstandard

TYPES = ("start end attach detach fork thread thread-exit exec exit open fd mmap list path rename "
         "mount socket signal content gap taint-source taint-write taint-use taint-holder taint-query "
         "taint-unmodelled taint-summary taint-note").split()
OPS = {
    "path": "stat access readlink statfs getxattr watch handle chdir chroot mkdir mknod symlink "
            "unlink rmdir truncate chmod chown utime setxattr".split(),
    "rename": ["rename", "exchange", "link"],
    "mount": ["mount", "umount", "pivot_root", "move", "namespace"],
    "socket": ["connect", "bind", "send"],
}


class Damaged(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Damaged(what)


def frames(data):
    """(kind, count, first_seq, message) of every frame."""
    check(data[:8] == b"\x89FPLOG\r\n", "magic")
    check(struct.unpack_from("<II", data, 8) == (1, 0), "version or flags")
    at = 16
    while at < len(data):
        kind, stored, raw, count, first_seq, checksum, header_checksum = struct.unpack_from(
            "<4sIIIQQQ", data, at)
        check(xxhash.xxh64_intdigest(data[at:at + 32]) == header_checksum, "frame header")
        payload = data[at + 40:at + 40 + stored]
        check(xxhash.xxh64_intdigest(payload) == checksum, "data")
        message = zstandard.ZstdDecompressor().decompress(payload, max_output_size=raw)
        check(len(message) == raw, "length")
        yield kind, count, first_seq, message
        if kind == b"FPIX":
            check(data[at + 40 + stored:] == struct.pack("<Q", at) + b"FPLOGEND", "footer")
            return
        at += 40 + stored


def sums(values, bits):
    """Undoes differences."""
    total = 0
    for v in values:
        total = (total + v) % (1 << bits)
        yield total


def signed(value, bits):
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


def cut(data, sizes):
    at = 0
    for size in sizes:
        yield data[at:at + size]
        at += size


class Text:
    """JSON members for bytes."""

    @staticmethod
    def readable(s):
        return s.decode("utf-8", "backslashreplace")

    @staticmethod
    def is_utf8(s):
        try:
            s.decode("utf-8")
            return True
        except UnicodeDecodeError:
            return False

    @classmethod
    def one(cls, name, s):
        out = {name: cls.readable(s)}
        if not cls.is_utf8(s):
            out[name + "_bytes"] = base64.b64encode(s).decode()
        return out

    @classmethod
    def many(cls, name, strings):
        out = {name: [cls.readable(s) for s in strings]}
        if not all(map(cls.is_utf8, strings)):
            out[name + "_bytes"] = [base64.b64encode(s).decode() for s in strings]
        return out


class Chunk:
    def __init__(self, message):
        m = self.m = message
        strings = [b""] + list(cut(m.strings.data, m.strings.size))
        self.strings = strings
        self.lists = [[]] + [[strings[i] for i in items]
                             for items in cut(list(m.lists.item), m.lists.size)]
        self.files = [({"path": ""}, True)] + list(self.read_files(m.files))
        self.lookups = [None] + list(self.read_lookups(m.lookups))
        self.processes = [(0, 0)] + list(zip(m.processes.pid, m.processes.serial))
        self.text_at, self.list_at = iter(m.text), iter(m.list)
        self.file_at, self.lookup_at = sums(m.file, 32), sums(m.lookup, 32)
        self.tids, self.addresses = iter(m.attach.tid), sums(m.mmap.addr, 64)

    def read_files(self, t):
        rows = zip(sums(t.path, 32), t.source, t.dev, sums(t.ino, 64), t.mount, t.mode, t.nlink,
                   t.size, sums(t.mtime_sec, 64), t.mtime_nsec, t.ctime_sec, t.ctime_nsec)
        for path, source, dev, ino, mount, mode, nlink, size, sec, nsec, csec, cnsec in rows:
            f = Text.one("path", self.strings[path])
            if source:
                f |= Text.one("source", self.strings[source])
            if ino:
                f |= {"dev": dev, "ino": ino, "mount": mount, "mode": mode, "nlink": nlink,
                      "size": size, "mtime_ns": signed(sec * 10**9 + nsec, 64),
                      "ctime_ns": signed((sec + csec) * 10**9 + nsec + cnsec, 64)}
            yield f, ino == 0

    def read_lookups(self, t):
        for path, base, links, file in zip(sums(t.path, 32), t.base, t.links, sums(t.file, 32)):
            lookup = Text.one("path", self.strings[path])
            if base:
                lookup |= Text.one("base", self.strings[base])
            if links:
                lookup |= Text.many("links", self.lists[links])
            yield lookup | {"file": self.files[file][0]}, self.files[file][1]

    def text(self, name, keep_empty=True):
        s = self.strings[next(self.text_at)]
        return Text.one(name, s) if s or keep_empty else {}

    def list(self, name):
        return Text.many(name, self.lists[next(self.list_at)])

    def file(self, name="file"):
        return {name: self.files[next(self.file_at)][0]}

    def lookup(self):
        i = next(self.lookup_at)
        return self.lookups[i] or ({"path": "", "file": {"path": ""}}, True), i != 0

    def named(self, name):
        return {name: self.lookup()[0][0]}

    def process(self, i):
        pid, serial = self.processes[i]
        return {"pid": pid, "serial": serial}

    def events(self, first_seq):
        e, seen = self.m.events, [0] * len(TYPES)
        rows = zip(e.type, sums(e.time_ns, 64), e.process, e.tid)
        for i, (kind, time_ns, process, tid) in enumerate(rows):
            p = self.process(process)
            name, k = TYPES[kind], seen[kind]
            seen[kind] += 1
            out = {"seq": first_seq + i, "time_ns": time_ns, **p,
                   "tid": signed(tid + p["pid"], 32), "type": name}
            columns = getattr(self.m, {"start": "trace_start", "end": "trace_end"}.get(name, name.replace("-", "_")), None)
            bare = name in ("detach", "list", "gap", "taint-holder", "taint-note")
            row = None if bare else Row(columns, k)
            if name in OPS:
                out["op"] = OPS[name][row.op]
            out |= getattr(self, "on_" + name.replace("-", "_"))(row)
            if row is not None and row.has("error") and row.error:
                out["error"] = errno.errorcode.get(row.error, str(row.error))
            yield out

    def on_start(self, r):
        return (self.text("backend") | self.text("cwd") | self.text("os") | self.text("kernel") |
                self.text("machine") | self.list("argv") | {"wall_ns": r.wall_ns})

    def on_end(self, r):
        return {"status": {"signal": r.signal} if r.signal else {"code": r.code}}

    on_exit = on_end

    def on_attach(self, r):
        return {"parent": self.process(r.parent),
                "tids": [next(self.tids) for _ in range(r.tid_count)]}

    def on_detach(self, _):
        return {}

    def on_fork(self, r):
        return {"child": self.process(r.child), "clone_flags": r.clone_flags}

    def on_thread(self, r):
        return {"thread": r.tid, "clone_flags": r.clone_flags}

    def on_thread_exit(self, r):
        return {"thread": r.tid}

    def on_exec(self, r):
        out = self.named("program")
        out["interpreters"] = [self.lookup()[0][0] for _ in range(r.interpreters)]
        (loader, nothing_there), _ = self.lookup()
        if not nothing_there:
            out["loader"] = loader
        return out | self.list("argv") | self.list("env") | self.text("cwd")

    def on_open(self, r):
        return self.named("at") | r.of("flags mode fd created") | self.late_text("opener", r)

    def late_text(self, name, r):
        """A string of a column that may end before the others do."""
        column = getattr(r.columns, name)
        string = self.strings[column[r.k]] if r.k < len(column) else b""
        return Text.one(name, string) if string else {}

    def on_fd(self, r):
        return self.file() | r.of("fd flags") | {"origin": ["inherited", "received"][r.origin]}

    def on_mmap(self, r):
        return self.file() | {"addr": next(self.addresses)} | r.of("length offset prot flags")

    def on_list(self, _):
        return self.file("directory")

    def on_path(self, _):
        return self.named("at") | self.text("target", keep_empty=False)

    def on_rename(self, _):
        return self.named("from") | self.named("to")

    def on_mount(self, r):
        return (self.text("source") | self.text("fstype") | self.named("target") | r.of("flags"))

    def on_socket(self, r):
        out = {"family": r.family} | self.text("address")
        exe = self.text("peer_exe")
        (at, _), given = self.lookup()
        if given:
            out["at"] = at
        if r.peer_pid:
            out |= {"peer_pid": r.peer_pid, "peer_traced": r.peer_traced} | exe
        return out

    def on_signal(self, r):
        return r.of("signo sender")

    def on_content(self, r):
        return self.file() | {"stage": ["input", "output"][r.stage],
                              "sha256": self.m.content.sha256[32 * r.k:][:32].hex()}

    def on_gap(self, _):
        return self.text("what") | self.text("detail", keep_empty=False)

    def labels(self):
        s = self.strings[next(self.text_at)].decode()
        runs = [[int(n) for n in run.split("-")] for run in s.lstrip("~").split(",") if run]
        return {"labels": [[r[0], r[-1]] for r in runs]} | ({"merged": True} if s[:1] == "~" else {})

    def on_taint_source(self, r):
        origins = "file stdin argument environment string network guest".split()
        return ({"origin": origins[r.origin]} | self.text("name") |
                r.of("offset length first_label step"))

    def on_taint_write(self, r):
        sinks = "file pipe socket terminal other".split()
        return ({"sink": sinks[r.sink]} | self.file() | self.labels() |
                r.of("offset length positional depth"))

    def on_taint_use(self, r):
        return ({"use": ["branch", "jump", "instruction"][r.use]} |
                self.text("object", keep_empty=False) | self.text("symbol", keep_empty=False) |
                self.text("source", keep_empty=False) | self.labels() |
                r.of("address offset times") | (r.of("line") if r.line else {}))

    def on_taint_holder(self, _):
        return self.labels()

    def on_taint_query(self, r):
        return ((({"register": r.number}) if r.of_register else {}) | self.labels() |
                r.of("address length positional"))

    def on_taint_unmodelled(self, r):
        return self.text("mnemonic") | r.of("times tainted")

    def on_taint_summary(self, r):
        return r.of("pointers depths deepest instructions peak_labelled peak_shadow peak_sets "
                    "unmodelled unmodelled_tainted merged")

    def on_taint_note(self, _):
        return self.text("what") | self.text("detail", keep_empty=False)


class Row:
    """The k-th values of a type's columns."""

    def __init__(self, columns, k):
        self.columns, self.k = columns, k

    def __getattr__(self, name):
        return getattr(self.columns, name)[self.k]

    def has(self, name):
        return name in self.columns.DESCRIPTOR.fields_by_name

    def of(self, names):
        return {name: getattr(self, name) for name in names.split()}


def read(data, event_pb2):
    index = []
    for kind, count, first_seq, message in frames(data):
        if kind == b"FPCK":
            events = list(Chunk(event_pb2.Chunk.FromString(message)).events(first_seq))
            check(len(events) == count, "count")
            index.append((first_seq, count))
            yield from events
        elif kind == b"FPIX":
            m = event_pb2.Index.FromString(message)
            check(list(zip(sums(m.first_seq, 64), m.count)) == index, "index")
