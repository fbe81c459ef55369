#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/event/tracer.h"
#include "frontends/cli/options.h"

namespace fptrace::emu {
class Observer;
struct RecordRequest;
}  // namespace fptrace::emu

namespace fptrace::cli {

// Options of `run` that are the backend's affair. backends.cc is the one file outside the tests
// that names a concrete backend.
inline constexpr Option kBackendOptions[] = {
    {0, "backend", "ptrace|emu",
     "what watches the program: ptrace on this host (default), or a virtual machine that is "
     "recorded and replayed"},
    {0, "stops", "auto|notify|filter|syscall",
     "where ptrace gets its stops: seccomp user notifications, a seccomp filter, or every system "
     "call (default: auto, the first that works)"},
    {0, "save-inputs", "DIR",
     "keep the content of input files that the run changes, for fptrace pack"},
    {0, "detach-daemons", "", "let go, untraced, what outlives the main program"},
    {0, "kill-on-exit", "", "end what outlives the main program"},
    {0, "survive", "", "the program goes on if fptrace itself dies"},
};

inline constexpr Option kHashOptions[] = {
    {0, "no-hash", "", "do not hash the contents of files"},
};

// Of `run` with --backend emu.
inline constexpr Option kEmuOptions[] = {
    {0, "live", "", "emu: trace while recording; nothing is replayed"},
    {0, "keep", "FILE", "emu: keep the recording in this file (RUN.fpr)"},
    {0, "image", "NAME", "emu: the guest image to run in (default: default)"},
    {0, "include", "PATH",
     "emu: take this file or directory along into the guest; may be repeated"},
    {0, "timeout", "SECONDS", "emu: end a program that runs longer"},
};
// Of a trace by the emulator, recorded or replayed.
inline constexpr Option kGuestOptions[] = {
    {0, "whole-machine", "", "emu: tell of every process of the guest, not of the program's alone"},
};

struct TracerRequest {
  std::vector<pid_t> attach;  // instead of a command
  // Both on the thread of Tracer::run; may be null.
  std::function<void(uint64_t events, uint64_t processes)> progress;
  std::function<void(const std::string& sentence)> warn;
};

struct NamedTracer {
  std::string backend;
  std::unique_ptr<Tracer> tracer;
};

// `args` may lack any of these options. kParse: the options exclude each other.
Result<NamedTracer> make_tracer(const Arguments& args, TracerRequest request);
// What is looked at in a guest.
struct Watching {
  std::vector<emu::Observer*> observers;
  bool events = true;      // those of files, too; without them a replay is faster
  bool all_calls = false;  // observers want to see every system call
  bool silent = false;     // the program's output is not shown
};

// Of the recording at `path`.
Result<NamedTracer> make_replayer(const Arguments& args, const std::string& path,
                                  TracerRequest request, const Watching& what = {});
// Of a program that is recorded, to the file `path`, as `record` says.
Result<NamedTracer> make_recorder(const Arguments& args, const std::string& path,
                                  const emu::RecordRequest& record, TracerRequest request,
                                  const Watching& what);

}  // namespace fptrace::cli
