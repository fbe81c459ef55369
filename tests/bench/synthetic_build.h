#pragma once
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "common/event/event.h"

namespace fptrace {

// The events of an invented `make -j2` of a large C project, shaped like a trace of a real one:
// every object file costs a shell, a compiler driver, cc1 and as; cc1 finds some hundred headers,
// most of them system headers that every other unit reads too, with misses in the include
// directories searched before. Clock steps, inodes, sizes and time stamps are as random as real
// ones, since they are what compresses worst. The same on every run.
class SyntheticBuild {
 public:
  // At least `n` events, whole units, with TraceStart and TraceEnd.
  static std::vector<Event> make(size_t n) {
    SyntheticBuild b;
    b.out_.reserve(n + 4096);
    b.emit({}, TraceStartEvent{"ptrace",
                               {"make", "-j2"},
                               "/home/dev/project",
                               "Debian GNU/Linux 12",
                               "6.1.0",
                               "x86_64",
                               1'700'000'000'000'000'000});
    const ProcessKey make = b.new_process();
    for (int unit = 0; b.out_.size() + 1 < n; ++unit) b.compile(make, unit);
    b.emit(make, ExitEvent{});
    b.emit({}, TraceEndEvent{});
    return std::move(b.out_);
  }

 private:
  SyntheticBuild() {
    for (const char* name : {"SHELL=/bin/bash", "LANG=en_US.UTF-8", "HOME=/home/dev", "USER=dev",
                             "PATH=/usr/local/bin:/usr/bin:/bin", "PWD=/home/dev/project",
                             "MAKEFLAGS= -j2 --jobserver-auth=3,4", "MAKELEVEL=1", "TERM=xterm",
                             "LS_COLORS=rs=0:di=01;34:ln=01;36:mh=00:pi=40;33:so=01;35:do=01;35",
                             "XDG_RUNTIME_DIR=/run/user/1000", "CFLAGS=-O2 -g -Wall", "OLDPWD=/"}) {
      env_.emplace_back(name);
    }
    for (int i = 0; i < 400; ++i) {
      const std::string dir = i % 3 == 0 ? "/usr/include/x86_64-linux-gnu/bits/" : "/usr/include/";
      system_headers_.push_back(installed(dir + "header_" + std::to_string(i * 7919 % 997) + ".h"));
    }
    for (int i = 0; i < 1500; ++i) {
      project_headers_.push_back(built("/home/dev/project/src/module" + std::to_string(i % 40) +
                                       "/include/part_" + std::to_string(i) + ".h"));
    }
    for (const char* lib : {"libc.so.6", "libz.so.1", "libgmp.so.10", "libmpfr.so.6", "libm.so.6",
                            "libzstd.so.1", "libopcodes-2.40.so", "libbfd-2.40.so"}) {
      libraries_.push_back(installed(std::string("/usr/lib/x86_64-linux-gnu/") + lib));
    }
    cache_ = installed("/etc/ld.so.cache");
    loader_ = installed("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
  }

  uint64_t random(uint64_t below) { return rng_() % below; }

  FileRef file(std::string path) {
    FileRef f;
    f.path = std::move(path);
    f.dev = 0xfd01, f.ino = 1'000'000 + random(4'000'000), f.mount = 29;
    f.mode = S_IFREG | 0644, f.nlink = 1, f.size = random(60'000);
    return f;
  }
  FileRef installed(std::string path) {  // by a package: mtime of the build, ctime of unpacking
    FileRef f = file(std::move(path));
    f.mtime_ns = int64_t(1'650'000'000 + random(50'000'000)) * 1'000'000'000;
    f.ctime_ns = 1'690'000'000'000'000'000 + int64_t(random(60'000'000'000));
    return f;
  }
  FileRef built(std::string path) {
    FileRef f = file(std::move(path));
    f.mtime_ns = f.ctime_ns = 1'699'999'000'000'000'000 + int64_t(random(1'000'000'000'000));
    return f;
  }
  static FileRef nothing(std::string path) {
    FileRef f;
    f.path = std::move(path);
    return f;
  }

  ProcessKey new_process() {
    next_pid_ += 1 + int32_t(random(3));
    if (next_pid_ > 4'194'304) next_pid_ = 300;
    return {next_pid_, ++serial_};
  }
  void emit(ProcessKey p, EventBody body) {
    time_ += 2'000 + random(40'000);
    out_.push_back({out_.size() + 1, time_, p, p.pid, std::move(body)});
  }
  void open(ProcessKey p, Lookup at, uint32_t flags = O_RDONLY | O_CLOEXEC) {
    const bool found = at.file.exists() || (flags & O_CREAT) != 0;
    emit(p, OpenEvent{std::move(at), flags, (flags & O_CREAT) != 0 ? 0666u : 0u,
                      found ? int32_t(3 + random(3)) : -1, found ? 0 : ENOENT,
                      (flags & O_CREAT) != 0});
  }
  void stat(ProcessKey p, Lookup at) {
    const int32_t error = at.file.exists() ? 0 : ENOENT;
    emit(p, PathEvent{PathOp::kStat, std::move(at), {}, error});
  }
  static Lookup absolute(const FileRef& f) { return {f.path, {}, {}, f}; }

  ProcessKey spawn(ProcessKey parent, const std::string& program, std::vector<std::string> argv,
                   size_t libraries) {
    const ProcessKey p = new_process();
    emit(parent, ForkEvent{p, CLONE_VFORK | CLONE_VM});
    if (!program.starts_with("/usr/libexec")) {
      emit(p, ExecEvent{absolute(nothing("/usr/local/bin" + program.substr(program.rfind('/')))),
                        {},
                        {},
                        argv,
                        env_,
                        "/home/dev/project",
                        ENOENT});
    }
    auto [at, added] = programs_.try_emplace(program);
    if (added) at->second = installed(program);
    emit(p, ExecEvent{absolute(at->second),
                      {},
                      absolute(loader_),
                      std::move(argv),
                      env_,
                      "/home/dev/project",
                      0});
    load(p, absolute(nothing("/etc/ld.so.preload")), libraries);
    return p;
  }
  void load(ProcessKey p, Lookup preload, size_t libraries) {
    emit(p, PathEvent{PathOp::kAccess, std::move(preload), {}, ENOENT});
    open(p, absolute(cache_));
    uint64_t addr = 0x7f0000000000 + (random(1u << 28) << 12);
    for (size_t i = 0; i < libraries; ++i) {
      Lookup at = absolute(libraries_[i]);
      at.path.erase(0, 4);  // as ld.so asks for it: through /lib -> usr/lib
      at.links.emplace_back("/lib");
      open(p, std::move(at));
      emit(p, MmapEvent{libraries_[i], addr += 0x200000, 0x155000, 0x26000, PROT_READ | PROT_EXEC,
                        MAP_PRIVATE | MAP_DENYWRITE | MAP_FIXED});
    }
  }
  void exit(ProcessKey p) { emit(p, ExitEvent{}); }

  void include(ProcessKey p, const FileRef& header, size_t misses) {
    static const char* const kDirs[] = {"/usr/lib/gcc/x86_64-linux-gnu/12/include",
                                        "/usr/local/include", "/usr/include/x86_64-linux-gnu"};
    const std::string name = header.path.substr(header.path.rfind('/'));
    for (size_t i = 0; i < misses; ++i)
      open(p, absolute(nothing(kDirs[i] + name)), O_RDONLY | O_NOCTTY);
    open(p, absolute(header), O_RDONLY | O_NOCTTY);
  }

  void compile(ProcessKey make, int unit) {
    const std::string dir = "src/module" + std::to_string(unit % 40);
    const std::string stem = dir + "/unit_" + std::to_string(unit);
    const std::string base = "/home/dev/project",
                      temporary = "/tmp/cc" + std::to_string(rng_()) + ".s";
    FileRef source = built(base + "/" + stem + ".c"), object = built(base + "/" + stem + ".o");
    const auto relative = [&](const FileRef& f) {
      return Lookup{f.path.substr(base.size() + 1), base, {}, f};
    };
    stat(make, relative(source));
    stat(make, relative(nothing(object.path)));
    const ProcessKey sh =
        spawn(make, "/usr/bin/dash", {"/bin/sh", "-c", "gcc -c " + stem + ".c"}, 1);
    const ProcessKey gcc =
        spawn(sh, "/usr/bin/x86_64-linux-gnu-gcc-12", {"gcc", "-c", stem + ".c"}, 1);
    const ProcessKey cc1 =
        spawn(gcc, "/usr/libexec/gcc/x86_64-linux-gnu/12/cc1", {"cc1", "-quiet", stem + ".c"}, 6);
    open(cc1, relative(source), O_RDONLY | O_NOCTTY);
    FileRef assembly = built(temporary);
    open(cc1, absolute(assembly), O_RDWR | O_CREAT | O_TRUNC);
    const size_t from = random(system_headers_.size());
    for (size_t i = 0; i < 60 + random(80); ++i) {
      include(cc1, system_headers_[(from + i) % system_headers_.size()], i % 4);
    }
    for (size_t i = 0; i < 20 + random(20); ++i) {
      include(cc1, project_headers_[random(project_headers_.size())], 0);
    }
    exit(cc1);
    const ProcessKey as =
        spawn(gcc, "/usr/bin/x86_64-linux-gnu-as", {"as", "-o", stem + ".o", temporary}, 8);
    open(as, absolute(assembly), O_RDONLY);
    open(as, relative(object), O_RDWR | O_CREAT | O_TRUNC);
    exit(as);
    emit(gcc, PathEvent{PathOp::kUnlink, absolute(assembly), {}, 0});
    exit(gcc);
    exit(sh);
  }

  std::mt19937_64 rng_{42};
  std::vector<Event> out_;
  std::vector<std::string> env_;
  std::vector<FileRef> system_headers_, project_headers_, libraries_;
  std::map<std::string, FileRef> programs_;
  FileRef cache_, loader_;
  uint64_t time_ = 0;
  int32_t next_pid_ = 4000;
  uint32_t serial_ = 0;
};

}  // namespace fptrace
