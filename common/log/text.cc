#include "common/log/text.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/base/scanner.h"
#include "common/base/text.h"
#include "common/event/taint_names.h"

namespace fptrace {
namespace {

// In the order of EventBody, and of the enums.
constexpr std::array<std::string_view, std::variant_size_v<EventBody>> kTypes = {"start",
                                                                                 "end",
                                                                                 "attach",
                                                                                 "detach",
                                                                                 "fork",
                                                                                 "thread",
                                                                                 "thread-exit",
                                                                                 "exec",
                                                                                 "exit",
                                                                                 "open",
                                                                                 "fd",
                                                                                 "mmap",
                                                                                 "list",
                                                                                 "path",
                                                                                 "rename",
                                                                                 "mount",
                                                                                 "socket",
                                                                                 "signal",
                                                                                 "content",
                                                                                 "gap",
                                                                                 "taint-source",
                                                                                 "taint-write",
                                                                                 "taint-use",
                                                                                 "taint-holder",
                                                                                 "taint-query",
                                                                                 "taint-unmodelled",
                                                                                 "taint-summary",
                                                                                 "taint-note"};
constexpr std::array<std::string_view, size_t(PathOp::kSetxattr) + 1> kPathOps = {
    "stat",     "access", "readlink", "statfs", "getxattr", "watch",  "handle",
    "chdir",    "chroot", "mkdir",    "mknod",  "symlink",  "unlink", "rmdir",
    "truncate", "chmod",  "chown",    "utime",  "setxattr"};
constexpr std::array<std::string_view, size_t(RenameOp::kLink) + 1> kRenameOps = {
    "rename", "exchange", "link"};
constexpr std::array<std::string_view, size_t(MountOp::kNamespace) + 1> kMountOps = {
    "mount", "umount", "pivot_root", "move", "namespace"};
constexpr std::array<std::string_view, size_t(SocketOp::kSend) + 1> kSocketOps = {"connect", "bind",
                                                                                  "send"};
struct FlagName {
  uint32_t bits;
  std::string_view name;
};
// Combined flags before the ones they contain.
constexpr FlagName kOpenFlags[] = {
    {O_TMPFILE, "O_TMPFILE"}, {O_SYNC, "O_SYNC"},           {O_CREAT, "O_CREAT"},
    {O_EXCL, "O_EXCL"},       {O_NOCTTY, "O_NOCTTY"},       {O_TRUNC, "O_TRUNC"},
    {O_APPEND, "O_APPEND"},   {O_NONBLOCK, "O_NONBLOCK"},   {O_DSYNC, "O_DSYNC"},
    {O_ASYNC, "O_ASYNC"},     {O_DIRECT, "O_DIRECT"},       {0100000, "O_LARGEFILE"},
    {O_PATH, "O_PATH"},       {O_DIRECTORY, "O_DIRECTORY"}, {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_NOATIME, "O_NOATIME"}, {O_CLOEXEC, "O_CLOEXEC"}};

std::string hex(uint64_t n) {
  char buffer[24];
  return {buffer, size_t(std::snprintf(buffer, sizeof buffer, "%#lx", n))};
}

std::string open_flags(uint32_t flags) {
  constexpr std::string_view kModes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
  std::string out(kModes[flags & O_ACCMODE]);
  flags &= ~uint32_t(O_ACCMODE);
  for (const auto& f : kOpenFlags) {
    if ((flags & f.bits) != f.bits) continue;
    (out += '|') += f.name;
    flags &= ~f.bits;
  }
  if (flags != 0) (out += '|') += hex(flags);
  return out;
}

std::string octal(uint32_t n) {
  char buffer[16];
  return {buffer, size_t(std::snprintf(buffer, sizeof buffer, "0%o", n))};
}

std::string status_text(const ExitStatus& s) {
  if (s.signal == 0) return std::to_string(s.code);
  const char* name = ::sigabbrev_np(s.signal);
  return name == nullptr ? "signal " + std::to_string(s.signal) : std::string("SIG") + name;
}

std::string result_text(int32_t error, const std::string& success = "0") {
  return " = " + (error == 0 ? success : errno_name(error));
}

std::string file_text(const FileRef& f) {
  return quote(f.path) + (f.source.empty() ? "" : " (from " + quote(f.source) + ")");
}

// As given, where it starts from, and where it leads if that is elsewhere.
std::string lookup_text(const Lookup& l) {
  if (l == Lookup{}) return "-";
  std::string out = l.path.empty() ? file_text(l.file) : quote(l.path);
  if (!l.base.empty()) out += " in " + quote(l.base);
  if (!l.path.empty() && (l.path != l.file.path || !l.file.source.empty())) {
    out += " -> " + file_text(l.file);
  }
  return out;
}

std::string list_text(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const auto& s : list) out += (out.size() > 1 ? ", " : "") + quote(s);
  return out + "]";
}

std::string process_text(const ProcessKey& p) { return std::to_string(p.pid); }

std::string text(const TraceStartEvent& e) {
  return quote(e.backend) + " " + list_text(e.argv) + " in " + quote(e.cwd) + " on " + quote(e.os) +
         " " + quote(e.kernel) + " " + quote(e.machine);
}
std::string text(const TraceEndEvent& e) { return status_text(e.status); }
std::string text(const AttachEvent& e) {
  std::string out = "child of " + process_text(e.parent) + ", threads";
  for (const int32_t t : e.tids) out += " " + std::to_string(t);
  return out;
}
std::string text(const DetachEvent&) { return {}; }
std::string text(const ForkEvent& e) { return hex(e.clone_flags) + " = " + process_text(e.child); }
std::string text(const ThreadEvent& e) {
  return hex(e.clone_flags) + " = " + std::to_string(e.tid);
}
std::string text(const ThreadExitEvent& e) { return std::to_string(e.tid); }
std::string text(const ExecEvent& e) {
  std::string out = lookup_text(e.program) + " " + list_text(e.argv);
  for (const auto& i : e.interpreters) out += " by " + lookup_text(i);
  return out + " (" + std::to_string(e.env.size()) + " variables)" + result_text(e.error);
}
std::string text(const ExitEvent& e) { return status_text(e.status); }
std::string text(const OpenEvent& e) {
  return lookup_text(e.at) + " " + open_flags(e.flags) +
         ((e.flags & O_CREAT) != 0 ? " " + octal(e.mode) : "") +
         result_text(e.error, e.fd < 0 ? "?" : std::to_string(e.fd)) +
         (e.created ? " (created)" : "") + (e.opener.empty() ? "" : " by " + quote(e.opener));
}
std::string text(const FdEvent& e) {
  return std::to_string(e.fd) + (e.origin == FdOrigin::kInherited ? " inherited " : " received ") +
         file_text(e.file) + " " + open_flags(e.flags);
}
std::string text(const MmapEvent& e) {
  return file_text(e.file) + " " + std::to_string(e.length) + " bytes from " +
         std::to_string(e.offset) + (e.addr == 0 ? "" : " = " + hex(e.addr));
}
std::string text(const ListEvent& e) { return file_text(e.directory); }
std::string text(const PathEvent& e) {
  return lookup_text(e.at) + (e.target.empty() ? "" : " => " + quote(e.target)) +
         result_text(e.error);
}
std::string text(const RenameEvent& e) {
  return lookup_text(e.from) + " => " + lookup_text(e.to) + result_text(e.error);
}
std::string text(const MountEvent& e) {
  return quote(e.source) + " on " + lookup_text(e.target) + " type " + quote(e.fstype) + " " +
         hex(e.flags) + result_text(e.error);
}
std::string text(const SocketEvent& e) {
  std::string out = quote(e.address);
  if (e.at != Lookup{}) out += " -> " + file_text(e.at.file);
  if (e.peer_pid != 0) {
    out += " to " + std::to_string(e.peer_pid) + " " + quote(e.peer_exe) +
           (e.peer_traced ? "" : " (not traced)");
  }
  return out + result_text(e.error);
}
std::string text(const SignalEvent& e) {
  return status_text({0, e.signo}) + (e.sender == 0 ? "" : " from " + std::to_string(e.sender));
}
std::string text(const ContentEvent& e) {
  std::string sum;
  sum += to_hex(e.sha256);
  return std::string(e.stage == ContentStage::kInput ? "input " : "output ") + file_text(e.file) +
         " sha256 " + sum;
}
std::string text(const GapEvent& e) {
  return quote(e.what) + (e.detail.empty() ? "" : " " + quote(e.detail));
}
std::string range_text(uint64_t offset, uint64_t length) {
  if (length == 0) return "[]";
  const std::string first = std::to_string(offset);
  return "[" + (length == 1 ? first : first + ".." + std::to_string(offset + length - 1)) + "]";
}
std::string labels_text(const TaintLabels& labels, bool positional) {
  const std::string out = labels.empty() ? "none" : to_text(labels);
  return positional ? out + " one by one" : out;
}
std::string text(const TaintSourceEvent& e) {
  return std::string(name_of(e.origin)) + " " + quote(e.name) + range_text(e.offset, e.length) +
         " labels from " + std::to_string(e.first_label) + (e.step == 0 ? " (one for all)" : "");
}
std::string text(const TaintWriteEvent& e) {
  return std::string(name_of(e.sink)) + " " + file_text(e.file) + range_text(e.offset, e.length) +
         " labels " + labels_text(e.labels, e.positional) +
         (e.depth == 0 ? "" : " depth " + std::to_string(e.depth));
}
std::string text(const TaintUseEvent& e) {
  const CodePlace& at = e.at;
  std::string out = std::string(name_of(e.use)) + " " + hex(at.address);
  if (!at.object.empty()) out += " " + quote(at.object) + "+" + hex(at.offset);
  if (!at.symbol.empty()) out += " " + quote(at.symbol);
  if (!at.source.empty()) out += " " + quote(at.source) + ":" + std::to_string(at.line);
  return out + " " + std::to_string(e.times) + " times, labels " + labels_text(e.labels, false);
}
std::string text(const TaintHolderEvent& e) { return "labels " + labels_text(e.labels, false); }
std::string text(const TaintQueryEvent& e) {
  const std::string what =
      e.of_register ? "register " + std::to_string(e.number) + " byte " + std::to_string(e.address)
                    : hex(e.address);
  return what + " " + std::to_string(e.length) + " bytes, labels " +
         labels_text(e.labels, e.positional);
}
std::string text(const TaintUnmodelledEvent& e) {
  return quote(e.mnemonic) + " " + std::to_string(e.times) + " times, " +
         std::to_string(e.tainted) + " with labels";
}
std::string text(const TaintSummaryEvent& e) {
  return std::string(e.pointers ? "data and pointers" : "data") + ", " +
         std::to_string(e.instructions) + " instructions, " + std::to_string(e.peak_labelled) +
         " bytes at most, " + std::to_string(e.unmodelled_tainted) + " of " +
         std::to_string(e.unmodelled) + " not modelled had labels" +
         (e.depths ? ", depth " + std::to_string(e.deepest) : "") +
         (e.merged ? ", sets were merged" : "");
}
std::string text(const TaintNoteEvent& e) {
  return quote(e.what) + (e.detail.empty() ? "" : " " + quote(e.detail));
}

}  // namespace

std::string_view type_name(const Event& event) { return kTypes[event.body.index()]; }

std::string_view operation_name(const Event& event) {
  if (const auto* e = std::get_if<PathEvent>(&event.body)) return kPathOps[size_t(e->op)];
  if (const auto* e = std::get_if<RenameEvent>(&event.body)) return kRenameOps[size_t(e->op)];
  if (const auto* e = std::get_if<MountEvent>(&event.body)) return kMountOps[size_t(e->op)];
  if (const auto* e = std::get_if<SocketEvent>(&event.body)) return kSocketOps[size_t(e->op)];
  return type_name(event);
}

bool is_event_name(std::string_view name) {
  const auto in = [&](const auto& names) { return std::ranges::find(names, name) != names.end(); };
  return in(kTypes) || in(kPathOps) || in(kRenameOps) || in(kMountOps) || in(kSocketOps);
}

std::string errno_name(int error) {
  const char* name = ::strerrorname_np(error);
  return name == nullptr ? std::to_string(error) : name;
}

std::optional<int> errno_number(std::string_view name) {
  int number = 0;
  Scanner s(name);
  if (s.dec(number) && s.rest().empty()) return number;
  constexpr int kLastErrno = 4095;  // MAX_ERRNO of the kernel
  for (int e = 1; e <= kLastErrno; ++e) {
    const char* known = ::strerrorname_np(e);
    if (known != nullptr && name == known) return e;
  }
  return std::nullopt;
}

int32_t error_of(const Event& event) {
  return std::visit(
      [](const auto& e) -> int32_t {
        if constexpr (requires { e.error; }) return e.error;
        return 0;
      },
      event.body);
}

std::string quote(std::string_view bytes) {
  std::string out = "\"";
  while (!bytes.empty()) {
    const size_t n = utf8_length(bytes);
    if (n == 0 || is_control(bytes.substr(0, n))) {
      append_escaped(out, bytes.substr(0, std::max<size_t>(n, 1)));
    } else {
      if (bytes[0] == '"' || bytes[0] == '\\') out += '\\';
      out += bytes.substr(0, n);
    }
    bytes.remove_prefix(std::max<size_t>(n, 1));
  }
  return out + "\"";
}

std::string to_text_line(const Event& event) {
  constexpr uint64_t kMicrosecond = 1'000, kSecond = 1'000'000'000;
  std::string who = event.process.serial == 0 ? "-" : std::to_string(event.process.pid);
  if (event.tid != event.process.pid) who += "/" + std::to_string(event.tid);
  char head[96];
  const int n = std::snprintf(head, sizeof head, "%8lu %6lu.%06lu %-9s %-11s", event.seq,
                              event.time_ns / kSecond, event.time_ns % kSecond / kMicrosecond,
                              who.c_str(), std::string(operation_name(event)).c_str());
  std::string out(head, size_t(n));
  (out += ' ') += std::visit([](const auto& e) { return text(e); }, event.body);
  out.erase(out.find_last_not_of(' ') + 1);  // the padding before a body that is empty
  return out;
}

}  // namespace fptrace
