#pragma once
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/event/tracer.h"

namespace fptrace::test {

// Writes event lists by hand. Files are named by path; each has an inode of its own, which stays
// with the file whatever the test renames, because tests hold on to the FileRef.
class TraceScript {
 public:
  static constexpr uint64_t kWall = 1'700'000'000'000'000'000;

  explicit TraceScript(bool start = true) {
    if (!start) return;
    TraceStartEvent e;
    e.backend = "ptrace";
    e.argv = {"./a", "x"};
    e.cwd = "/w";
    e.os = "Debian GNU/Linux 12";
    e.kernel = "6.1.0";
    e.machine = "x86_64";
    e.wall_ns = kWall;
    add({}, e);
  }

  // A regular file with a new inode.
  FileRef file(const std::string& path, uint64_t size = 10, uint32_t mode = S_IFREG | 0644) {
    FileRef f;
    f.path = path;
    f.dev = 1;
    f.ino = ++last_ino_;
    f.mode = mode;
    f.nlink = 1;
    f.size = size;
    f.mtime_ns = f.ctime_ns = 1000;
    return f;
  }
  FileRef program(const std::string& path) { return file(path, 100, S_IFREG | 0755); }
  FileRef dir(const std::string& path) { return file(path, 4096, S_IFDIR | 0755); }
  static FileRef nothing(const std::string& path) {
    FileRef f;
    f.path = path;
    return f;
  }
  static FileRef renamed(FileRef f, const std::string& path) {
    f.path = path;
    return f;
  }
  // `f` named by its own path, or as given.
  static Lookup at(const FileRef& f) { return {f.path, "", {}, f}; }
  static Lookup at(const FileRef& f, const std::string& name, std::vector<std::string> links = {}) {
    return {name, name.starts_with('/') ? "" : "/w", std::move(links), f};
  }

  void add(ProcessKey p, EventBody body) {
    events.push_back({uint64_t(events.size()) + 1, 10 * (uint64_t(events.size()) + 1), p, p.pid,
                      std::move(body)});
  }
  ProcessKey start(const FileRef& binary, std::vector<std::string> env = {}) {
    const ProcessKey p{100, ++serial_};
    exec(p, binary, std::move(env));
    return p;
  }
  ProcessKey fork(ProcessKey parent) {
    const ProcessKey child{int32_t(100 + serial_), ++serial_};
    add(parent, ForkEvent{child, 0});
    return child;
  }
  void exec(ProcessKey p, const FileRef& binary, std::vector<std::string> env = {}) {
    ExecEvent e;
    e.program = at(binary);
    e.loader = at(loader);
    e.argv = {binary.path};
    e.env = std::move(env);
    add(p, e);
  }
  void open(ProcessKey p, const FileRef& f, uint32_t flags = O_RDONLY) { open(p, at(f), flags); }
  void open(ProcessKey p, const Lookup& l, uint32_t flags = O_RDONLY) {
    OpenEvent e;
    e.at = l;
    e.flags = flags;
    e.fd = 3;
    add(p, e);
  }
  void create(ProcessKey p, const FileRef& f, uint32_t flags = O_WRONLY | O_CREAT) {
    OpenEvent e;
    e.at = at(f);
    e.flags = flags;
    e.fd = 3;
    e.created = true;
    add(p, e);
  }
  void open_fails(ProcessKey p, const Lookup& l, int error = ENOENT) {
    OpenEvent e;
    e.at = l;
    e.error = error;
    add(p, e);
  }
  void path(ProcessKey p, PathOp op, const Lookup& l, int error = 0, std::string target = "") {
    add(p, PathEvent{op, l, std::move(target), error});
  }
  void rename(ProcessKey p, const FileRef& from, const FileRef& to, RenameOp op = RenameOp::kRename,
              int error = 0) {
    add(p, RenameEvent{op, at(from), at(to), error});
  }
  void load(ProcessKey p, const FileRef& f) {
    open(p, f);
    map(p, f);
  }
  void map(ProcessKey p, const FileRef& f) {
    MmapEvent e;
    e.file = f;
    e.length = 4096;
    e.prot = 5;
    add(p, e);
  }
  static Sha256 hash(uint8_t tag) {
    Sha256 h{};
    h[0] = tag;
    return h;
  }
  void input(const FileRef& f, uint8_t tag) {
    add({}, ContentEvent{ContentStage::kInput, f, hash(tag)});
  }
  void output(const FileRef& f, uint8_t tag) {
    add({}, ContentEvent{ContentStage::kOutput, f, hash(tag)});
  }
  void exit(ProcessKey p, int code = 0) { add(p, ExitEvent{{code, 0}}); }
  void end(int code = 0) { add({}, TraceEndEvent{{code, 0}}); }

  template <class Sink>
  Sink& feed(Sink& sink) const {
    for (const Event& e : events) {
      if (!sink.on_event(e)) break;
    }
    return sink;
  }

  std::vector<Event> events;

 private:
  uint64_t last_ino_ = 10;
  uint32_t serial_ = 0;

 public:
  FileRef loader = program("/lib64/ld.so");  // takes its inode from last_ino_, so it comes after
};

}  // namespace fptrace::test
