#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/child_process.h"
#include "common/event/taint_labels.h"

// What a traced program did, as plain values. Every backend produces these, every analysis and
// file format consumes them. Nothing here knows ptrace, QEMU or protobuf.
//
// Paths, arguments and names are bytes as the kernel saw them; they need not be UTF-8.
// An `error` is the positive errno of a call that failed, 0 where it succeeded.

namespace fptrace {

// Names a process for a whole trace. Kernel pids are reused; `serial` is not.
struct ProcessKey {
  int32_t pid = 0;
  uint32_t serial = 0;
  auto operator<=>(const ProcessKey&) const = default;
};

// One file as the kernel knew it at one moment.
struct FileRef {
  // Canonical absolute path: no symbolic link, no `.` or `..`, seen from the tracer's root (so a
  // chroot's files carry their path on the host). Files without a path keep the kernel's name:
  // "memfd:NAME", "pipe:[INO]", "socket:[INO]", "anon_inode:[KIND]". Never ends in " (deleted)".
  // Where nothing is there (ino 0) it is the path that would have been it.
  std::string path;
  // Where the content really comes from, as a path of the tracer's own, when `path` is seen through
  // a bind mount or an overlay. Otherwise empty.
  std::string source;
  uint64_t dev = 0;                    // st_dev; with `ino` the identity of a file while it exists
  uint64_t ino = 0;                    // 0: no such file
  uint64_t mount = 0;                  // mount id (statx STATX_MNT_ID), 0 when unknown
  uint32_t mode = 0;                   // st_mode: type and permissions
  uint32_t nlink = 0;                  // 0 with ino != 0: unlinked, or never had a name
  uint64_t size = 0;                   // bytes
  int64_t mtime_ns = 0, ctime_ns = 0;  // since the epoch; with size, the version of the content

  bool exists() const { return ino != 0; }
  bool operator==(const FileRef&) const = default;
};

// How a call named a file, and what that name led to when the call was made.
struct Lookup {
  std::string path;  // as given; empty for a call on a descriptor (fchdir, AT_EMPTY_PATH)
  std::string base;  // canonical directory that a relative `path` starts from; else empty
  std::vector<std::string> links;  // canonical path of each symbolic link followed, in order
  FileRef file;
  bool operator==(const Lookup&) const = default;
};

// The trace begins. Always event 1.
struct TraceStartEvent {
  std::string backend;  // "ptrace", "emu"
  std::vector<std::string> argv;
  std::string cwd;
  std::string os;        // PRETTY_NAME of os-release
  std::string kernel;    // uname release
  std::string machine;   // uname machine
  uint64_t wall_ns = 0;  // when, since the epoch
  bool operator==(const TraceStartEvent&) const = default;
};
// The trace is complete: every traced process ended or was let go. A log without it was cut short.
struct TraceEndEvent {
  ExitStatus status;  // of the main program
  bool operator==(const TraceEndEvent&) const = default;
};

// A process that was running before the trace. Its state follows as ExecEvent (what it runs),
// FdEvents (what it has open) and MmapEvents (what it has mapped).
struct AttachEvent {
  ProcessKey parent;  // serial 0: the parent is not traced
  std::vector<int32_t> tids;
  bool operator==(const AttachEvent&) const = default;
};
// The tracer let a living process go; nothing more will be heard of it.
struct DetachEvent {
  bool operator==(const DetachEvent&) const = default;
};
// fork, vfork or clone made a new process.
struct ForkEvent {
  ProcessKey child;
  uint64_t clone_flags = 0;  // CLONE_* without the exit signal; CLONE_VFORK|CLONE_VM for vfork
  bool operator==(const ForkEvent&) const = default;
};
// clone made a thread of the same process.
struct ThreadEvent {
  int32_t tid = 0;
  uint64_t clone_flags = 0;
  bool operator==(const ThreadEvent&) const = default;
};
// A thread other than the last one ended.
struct ThreadExitEvent {
  int32_t tid = 0;
  bool operator==(const ThreadExitEvent&) const = default;
};
// execve or execveat, successful or not.
struct ExecEvent {
  Lookup program;                    // the file that was named: a binary or a script
  std::vector<Lookup> interpreters;  // `#!` chain, outermost first; the last one is the binary
  Lookup loader;                     // PT_INTERP of the binary; file.ino 0 when static
  std::vector<std::string> argv;     // as the new program sees it (rewritten by the kernel for #!)
  std::vector<std::string> env;      // "NAME=value"
  std::string cwd;
  int32_t error = 0;
  bool operator==(const ExecEvent&) const = default;
};
// The process, with all its threads, ended.
struct ExitEvent {
  ExitStatus status;
  bool operator==(const ExitEvent&) const = default;
};

// open, openat, openat2, creat, open_by_handle_at.
struct OpenEvent {
  Lookup at;  // `at.file` is the opened file as it was before the call; after it if created
  uint32_t flags = 0;  // O_*, as given
  uint32_t mode = 0;   // permissions for a created file
  int32_t fd = -1;     // -1: failed, or not known (see Tracer)
  int32_t error = 0;
  bool created = false;  // the file did not exist before the call
  // The object whose code made the call, as FileRef::path: see common/unwind/opener.h. Empty: it
  // was not looked for (Cap::kOpeners), or could not be told.
  std::string opener{};
  bool operator==(const OpenEvent&) const = default;
};
// A descriptor that came to the process other than by opening a path.
enum class FdOrigin : uint8_t { kInherited, kReceived /* SCM_RIGHTS, pidfd_getfd */ };
struct FdEvent {
  FdOrigin origin = FdOrigin::kInherited;
  int32_t fd = -1;
  uint32_t flags = 0;  // O_* of the open file description
  FileRef file;
  bool operator==(const FdEvent&) const = default;
};
// A file was mapped executable (that is: a library or a program was loaded).
struct MmapEvent {
  FileRef file;
  uint64_t addr = 0, length = 0, offset = 0;  // addr 0: not known
  uint32_t prot = 0, flags = 0;               // PROT_*, MAP_*
  bool operator==(const MmapEvent&) const = default;
};
// A directory's entries were read.
struct ListEvent {
  FileRef directory;
  bool operator==(const ListEvent&) const = default;
};

enum class PathOp : uint8_t {
  // Ask only: role `metadata`.
  kStat,
  kAccess,
  kReadlink,
  kStatfs,
  kGetxattr,  // answers that tell of the attribute, not of the file (ENODATA, ERANGE) are no error
  kWatch,
  kHandle,
  // Change what a path leads to for the task.
  kChdir,
  kChroot,
  // Change the tree or the file. `target` of kSymlink is the new link's content.
  kMkdir,
  kMknod,
  kSymlink,
  kUnlink,
  kRmdir,
  kTruncate,
  // Change attributes, not content.
  kChmod,
  kChown,
  kUtime,
  kSetxattr,
};
constexpr bool only_asks(PathOp op) { return op <= PathOp::kHandle; }
constexpr bool makes_name(PathOp op) {
  return op == PathOp::kMkdir || op == PathOp::kMknod || op == PathOp::kSymlink;
}
constexpr bool removes_name(PathOp op) { return op == PathOp::kUnlink || op == PathOp::kRmdir; }

// A call on one path that opens nothing. For calls that make a name, `at.file` is the new file.
struct PathEvent {
  PathOp op = PathOp::kStat;
  Lookup at;
  std::string target;  // content of the link for kSymlink and a successful kReadlink
  int32_t error = 0;
  bool operator==(const PathEvent&) const = default;
};
enum class RenameOp : uint8_t { kRename, kExchange, kLink };
struct RenameEvent {
  RenameOp op = RenameOp::kRename;
  Lookup from;  // `from.file` is the file that moved (or got another name)
  Lookup to;    // `to.file` is what stood there before; ino 0 when nothing did
  int32_t error = 0;
  bool operator==(const RenameEvent&) const = default;
};
enum class MountOp : uint8_t {
  kMount,
  kUmount,
  kPivotRoot,
  kMove,
  kNamespace /* setns, unshare */
};
struct MountEvent {
  MountOp op = MountOp::kMount;
  std::string source;  // as given
  Lookup target;
  std::string fstype;
  uint64_t flags = 0;
  int32_t error = 0;
  bool operator==(const MountEvent&) const = default;
};
enum class SocketOp : uint8_t { kConnect, kBind, kSend /* to an address, without connect */ };
struct SocketEvent {
  SocketOp op = SocketOp::kConnect;
  uint16_t family = 0;   // AF_*
  std::string address;   // AF_UNIX: path as given, "@name" when abstract; AF_INET: "1.2.3.4:80"
  Lookup at;             // AF_UNIX with a path: what it leads to
  int32_t peer_pid = 0;  // AF_UNIX connect: who listens (SO_PEERCRED); 0 when unknown
  std::string peer_exe;
  bool peer_traced = false;
  int32_t error = 0;
  bool operator==(const SocketEvent&) const = default;
};
// A signal was delivered to a thread.
struct SignalEvent {
  int32_t signo = 0;
  int32_t sender = 0;  // pid, 0: the kernel or unknown
  bool operator==(const SignalEvent&) const = default;
};

using Sha256 = std::array<uint8_t, 32>;

// What a file contained. kInput: before the run's first change to it. kOutput: when the run ended.
enum class ContentStage : uint8_t { kInput, kOutput };
struct ContentEvent {
  ContentStage stage = ContentStage::kInput;
  FileRef file;
  Sha256 sha256{};
  bool operator==(const ContentEvent&) const = default;
};
// Something the trace cannot tell: see DESIGN, truth rule 1. One event per occurrence.
struct GapEvent {
  std::string what;  // a short fixed name: "io_uring_enter", "syscall 999", "history before attach"
  std::string detail;  // for a reader; may be empty
  bool operator==(const GapEvent&) const = default;
};

// Taint: labels on the bytes of sources, followed through all that was computed from them.

enum class TaintOrigin : uint8_t {
  kFile,
  kStdin,
  kArgument,
  kEnvironment,
  kString,  // wherever it stood in memory
  kNetwork,
  kGuest,  // labelled by a program itself
};
// Some bytes of a source were labelled: byte `offset` + i has label `first_label` + i * `step`. One
// source may come in several pieces, and a byte of it more than once (a page was read again).
struct TaintSourceEvent {
  TaintOrigin origin = TaintOrigin::kFile;
  std::string name;  // a path, the number of an argument, the name of a variable, the string
  uint64_t offset = 0, length = 0;  // bytes of the source
  uint32_t first_label = 0;
  uint32_t step = 1;  // 0: all bytes have the same label
  bool operator==(const TaintSourceEvent&) const = default;
};

enum class TaintSink : uint8_t { kFile, kPipe, kSocket, kTerminal, kOther };
// Bytes that were written somewhere have labels. Of a pipe, a socket or a terminal, `offset` counts
// what was written to it before. Of a file these are the labels that it has when it is closed or
// removed, or at the end of the trace: the events of one such moment follow one another and have
// the same time, and stand for the whole file. One without labels and length says that none are
// left.
struct TaintWriteEvent {
  TaintSink sink = TaintSink::kFile;
  FileRef file;
  uint64_t offset = 0, length = 0;
  // Byte i has the one label `labels.runs[0].first` + i. Otherwise each has all of `labels`.
  bool positional = false;
  TaintLabels labels;
  uint32_t depth = 0;  // computations from source to here; 0: a copy, or not counted
  bool operator==(const TaintWriteEvent&) const = default;
};

// An instruction of a program, for a person.
struct CodePlace {
  uint64_t address = 0;  // in the process
  std::string object;    // FileRef::path of the file that is mapped there; empty: of none
  uint64_t offset = 0;   // from the address that the file's first byte is mapped at
  std::string symbol;    // "main+0x1c"; empty: not known
  std::string source;    // file of the source text, as its compiler named it; empty: not known
  uint32_t line = 0;     // from 1; 0: not known
  bool operator==(const CodePlace&) const = default;
};
enum class TaintUse : uint8_t {
  kBranch,       // a condition
  kJump,         // where a jump, call or return leads
  kInstruction,  // any input
};
// What an instruction of the process did with labelled bytes, all in all.
struct TaintUseEvent {
  TaintUse use = TaintUse::kBranch;
  CodePlace at;
  TaintLabels labels;
  uint64_t times = 0;
  bool operator==(const TaintUseEvent&) const = default;
};
// What the process had in its registers, all in all.
struct TaintHolderEvent {
  TaintLabels labels;
  bool operator==(const TaintHolderEvent&) const = default;
};
// The answer to a program that asked for the labels of its own memory (bytes from `address` on) or
// of a register (by number: bytes `address` of it on). As many events as there are different ones.
struct TaintQueryEvent {
  bool of_register = false;
  uint32_t number = 0;  // of the register
  uint64_t address = 0, length = 0;
  bool positional = false;  // as above
  TaintLabels labels;
  bool operator==(const TaintQueryEvent&) const = default;
};
// An instruction that is followed in no detail: all that it writes has the labels of all that it
// reads.
struct TaintUnmodelledEvent {
  std::string mnemonic;
  uint64_t times = 0, tainted = 0;  // executions; those with a labelled input
  bool operator==(const TaintUnmodelledEvent&) const = default;
};
// How it went. The last event of taint, but for notes.
struct TaintSummaryEvent {
  bool pointers = false;  // what is loaded has the labels of its address, too
  bool depths = false;    // computations were counted
  uint32_t deepest = 0;
  uint64_t instructions = 0;   // that had to do with labels
  uint64_t peak_labelled = 0;  // bytes of memory with a label at one time
  uint64_t peak_shadow = 0;    // bytes that these labels took
  uint64_t peak_sets = 0;      // bytes that the sets took
  uint64_t unmodelled = 0, unmodelled_tainted = 0;
  bool merged = false;  // a set outgrew its limit
  bool operator==(const TaintSummaryEvent&) const = default;
};
// Something that a reader of the results must know: a source that never came up, for one.
struct TaintNoteEvent {
  std::string what;    // a short fixed name
  std::string detail;  // a sentence
  bool operator==(const TaintNoteEvent&) const = default;
};

// Append only: the index of an alternative is its number in the event log.
using EventBody =
    std::variant<TraceStartEvent, TraceEndEvent, AttachEvent, DetachEvent, ForkEvent, ThreadEvent,
                 ThreadExitEvent, ExecEvent, ExitEvent, OpenEvent, FdEvent, MmapEvent, ListEvent,
                 PathEvent, RenameEvent, MountEvent, SocketEvent, SignalEvent, ContentEvent,
                 GapEvent, TaintSourceEvent, TaintWriteEvent, TaintUseEvent, TaintHolderEvent,
                 TaintQueryEvent, TaintUnmodelledEvent, TaintSummaryEvent, TaintNoteEvent>;

struct Event {
  uint64_t seq = 0;      // position in the trace, from 1, no gaps: the only order analyses may use
  uint64_t time_ns = 0;  // since trace start; host clock (ptrace) or guest icount clock (emu)
  ProcessKey process;    // serial 0: the trace itself (TraceStart, TraceEnd, Content)
  int32_t tid = 0;       // the acting thread, as the tracer's pid namespace numbers it
  EventBody body;
  bool operator==(const Event&) const = default;
};

// One lambda per event type; a new type without a lambda is a compile error.
template <class... F>
struct Match : F... {
  using F::operator()...;
};
template <class... F>
Match(F...) -> Match<F...>;
template <class... F>
auto match(const Event& e, F&&... f) {
  return std::visit(Match<std::decay_t<F>...>{std::forward<F>(f)...}, e.body);
}

}  // namespace fptrace
