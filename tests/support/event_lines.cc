#include "tests/support/event_lines.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

#include <map>
#include <utility>

namespace fptrace::testing {
namespace {

std::string flag_list(uint64_t flags) {
  static constexpr std::pair<uint64_t, const char*> kShown[] = {
      {CLONE_VM, "VM"},         {CLONE_FS, "FS"},          {CLONE_FILES, "FILES"},
      {CLONE_VFORK, "VFORK"},   {CLONE_PARENT, "PARENT"},  {CLONE_NEWNS, "NEWNS"},
      {CLONE_NEWPID, "NEWPID"}, {CLONE_NEWUSER, "NEWUSER"}};
  std::string out;
  for (const auto& [flag, name] : kShown) {
    if (flags & flag) out += (out.empty() ? "" : ",") + std::string(name);
  }
  return out.empty() ? out : "[" + out + "]";
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string exec_word(const ExecEvent& exec) {
  if (exec.error == 0) return "exec:" + base_name(exec.program.file.path);
  const char* name = ::strerrorname_np(exec.error);
  return "exec-fails:" + (name ? std::string(name) : std::to_string(exec.error));
}

std::string exit_word(const ExitStatus& status) {
  if (status.signal == 0) return "exit:" + std::to_string(status.code);
  const char* name = ::sigabbrev_np(status.signal);
  return "killed:" + (name ? std::string(name) : std::to_string(status.signal));
}

struct Line {
  std::vector<int> name;  // {1, 2}: p1.2, so that p1.10 comes after p1.9
  std::string words;
  int children = 0;
};

class Lines {
 public:
  // A process nobody was seen to make is a root.
  Line& of(const ProcessKey& key) {
    const auto found = lines_.find(key);
    if (found != lines_.end()) return found->second;
    return lines_.emplace(key, Line{{++roots_}, "", 0}).first->second;
  }
  void fork(const ProcessKey& parent, const ForkEvent& fork) {
    Line& line = of(parent);
    std::vector<int> name = line.name;
    name.push_back(++line.children);
    line.words += " fork:" + text(name) + flag_list(fork.clone_flags);
    lines_[fork.child].name = std::move(name);
  }
  std::vector<std::string> sorted() const {
    std::map<std::vector<int>, std::string> by_name;
    for (const auto& [key, line] : lines_) by_name[line.name] = text(line.name) + line.words;
    std::vector<std::string> out;
    for (auto& [name, line] : by_name) out.push_back(std::move(line));
    return out;
  }

 private:
  static std::string text(const std::vector<int>& name) {
    std::string out = "p" + std::to_string(name[0]);
    for (size_t i = 1; i < name.size(); ++i) out += "." + std::to_string(name[i]);
    return out;
  }
  std::map<ProcessKey, Line> lines_;
  int roots_ = 0;
};

}  // namespace

std::vector<std::string> process_lines(const std::vector<Event>& events) {
  Lines lines;
  for (const auto& event : events) {
    if (event.process.serial == 0) continue;
    if (const auto* fork = std::get_if<ForkEvent>(&event.body)) {
      lines.fork(event.process, *fork);
    } else if (std::holds_alternative<AttachEvent>(event.body)) {
      lines.of(event.process);
    } else if (const auto* exec = std::get_if<ExecEvent>(&event.body)) {
      lines.of(event.process).words += " " + exec_word(*exec);
    } else if (const auto* exit = std::get_if<ExitEvent>(&event.body)) {
      lines.of(event.process).words += " " + exit_word(exit->status);
    }
  }
  return lines.sorted();
}

}  // namespace fptrace::testing
