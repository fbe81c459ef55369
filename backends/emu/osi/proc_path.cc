#include "backends/emu/osi/proc_path.h"

#include <algorithm>

#include "common/base/scanner.h"

namespace fptrace::emu {
namespace {

std::string_view take_component(std::string_view& rest) {
  const auto name = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  return name;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  Scanner scanner(text);
  const bool good = !text.empty() && (text == "0" || text[0] != '0') && scanner.dec(value) &&
                    scanner.rest().empty();
  return good ? std::optional(value) : std::nullopt;
}

std::optional<ProcPath> in_task(ProcPath task, std::string_view rest) {
  using Kind = ProcPath::Kind;
  if (rest.empty()) return task;
  const auto name = take_component(rest);
  if (name == "fd" && !rest.empty()) {
    const auto fd = number(rest);
    if (!fd) return std::nullopt;
    task.kind = Kind::kFd;
    task.fd = *fd;
    return task;
  }
  if (!rest.empty()) return std::nullopt;
  if (name == "cwd") task.kind = Kind::kCwd;
  if (name == "root") task.kind = Kind::kRoot;
  if (name == "exe") task.kind = Kind::kExe;
  if (task.kind == Kind::kDirectory && name != "fd") return std::nullopt;
  return task;
}

}  // namespace

std::optional<ProcPath> parse_proc_path(std::string_view path) {
  ProcPath found;
  const auto first = take_component(path);
  if (first == "self" || first == "thread-self") {
    if (!path.empty()) return std::nullopt;
    found.kind = first == "self" ? ProcPath::Kind::kSelf : ProcPath::Kind::kThreadSelf;
    return found;
  }
  const auto pid = number(first);
  if (!pid || *pid <= 0) return std::nullopt;
  found.pid = *pid;
  if (path == "task") return found;
  if (path.starts_with("task/")) {
    path.remove_prefix(5);
    const auto tid = number(take_component(path));
    if (!tid || *tid <= 0) return std::nullopt;
    found.tid = *tid;
  }
  return in_task(found, path);
}

}  // namespace fptrace::emu
