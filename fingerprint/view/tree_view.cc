#include "fingerprint/view/tree_view.h"

#include <cstring>
#include <iomanip>
#include <sstream>

#include "common/base/json_text.h"

namespace fptrace {
namespace {

struct Art {
  const char *branch, *last, *line, *gap, *then;
};
constexpr Art kUtf8{"├─ ", "└─ ", "│  ", "   ", " → "}, kAscii{"|- ", "`- ", "|  ", "   ", " -> "};
constexpr size_t kLevelColumns = 3;
constexpr size_t kMaxLevels = 40;  // drawn

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// As a shell takes it.
std::string word(const std::string& arg, const TextStyle& style) {
  if (!arg.empty() && arg.find_first_of(" '\"\\$&|;()<>*?`#") == arg.npos) return shown(arg, style);
  std::string out = "'";
  for (const char c : shown(arg, style)) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string command(const ExecStep& step, const TextStyle& style) {
  if (step.argv.empty()) return shown(step.program, style);
  std::string out;
  for (const std::string& arg : step.argv) (out += out.empty() ? "" : " ") += word(arg, style);
  return out;
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

std::string duration(uint64_t ns) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(3) << double(ns) / 1e9 << " s";
  return out.str();
}

class TreePrinter {
 public:
  TreePrinter(const ProcessHistory& history, const TreeStyle& style)
      : history_(history), style_(style), art_(style.text.ascii ? kAscii : kUtf8) {}

  std::string print() {
    for (const TreePlace& place : tree_order(history_.tree())) {
      more_.resize(place.depth);
      add_line(place);
      more_.push_back(!place.last);
    }
    return std::move(out_);
  }

 private:
  // Half of the line at most; what lies above the levels that are drawn is a number.
  std::string prefix(const TreePlace& place) const {
    const size_t room = style_.text.width == 0 ? kMaxLevels : style_.text.width / 2 / kLevelColumns;
    const size_t levels = std::min({place.depth, kMaxLevels, std::max<size_t>(room, 1)});
    std::string out;
    if (levels < place.depth) out = "+" + std::to_string(place.depth - levels) + " ";
    for (size_t i = place.depth - levels + 1; i < place.depth; ++i) {
      out += more_[i] ? art_.line : art_.gap;
    }
    if (levels > 0) out += place.last ? art_.last : art_.branch;
    return out;
  }

  std::string body(const ProcessRecord& p) const {
    std::string out;
    for (const ExecStep& step : history_.steps(p.key)) {
      (out += out.empty() ? "" : art_.then) += command(step, style_.text);
    }
    if (!out.empty()) return out;
    const std::string& inherited = p.argv.empty() ? p.program : p.argv[0];
    return "(" + (inherited.empty() ? "?" : shown(base_name(inherited), style_.text)) + ")";
  }

  std::string notes(const ProcessRecord& p, const TreePlace& place) const {
    std::string out = " [";
    if (p.exit) {
      out += p.exit->signal != 0 ? signal_name(p.exit->signal) : std::to_string(p.exit->code);
    } else {
      out += p.detached ? "let go" : "no end seen";
    }
    if (p.threads > 1) out += ", " + std::to_string(p.threads) + " threads";
    if (p.attached) out += ", attached";
    if (place.orphan) out += ", outlived its parent";
    const bool ended = p.exit || p.detached;
    if (style_.times && ended && p.end_ns >= p.start_ns) {
      out += ", " + duration(p.end_ns - p.start_ns);
    }
    return out + "]";
  }

  void add_line(const TreePlace& place) {
    const ProcessRecord& p = history_.tree().processes()[place.index];
    const std::string before = prefix(place) + std::to_string(p.key.pid) + " ";
    const std::string after = notes(p, place);
    std::string text = body(p);
    const size_t width = style_.text.width, rest = columns(before) + columns(after);
    constexpr size_t kLeastBody = 8;
    if (width > 0)
      text = cut(text, std::max(width - std::min(width, rest), kLeastBody), style_.text);
    const std::string line = before + text + after;
    (out_ += width > 0 ? cut(line, width, style_.text) : line) += '\n';
  }

  const ProcessHistory& history_;
  TreeStyle style_;
  const Art& art_;
  std::vector<bool> more_;  // of each level above: whether a later child of it follows
  std::string out_;
};

Json encode(const ExecStep& step) {
  Json j;
  put(j, "program", step.program);
  if (!step.interpreter.empty()) put(j, "interpreter", step.interpreter);
  put(j, "argv", step.argv);
  j["time_ns"] = step.time_ns;
  return j;
}

Json encode(const ProcessHistory& history, const TreePlace& place) {
  const ProcessRecord& p = history.tree().processes()[place.index];
  Json j{{"id", p.key.serial},
         {"parent", p.parent.serial},
         {"pid", p.key.pid},
         {"depth", place.depth}};
  put(j, "program", p.program);
  j["execs"] = Json::array();
  for (const ExecStep& step : history.steps(p.key)) j["execs"].push_back(encode(step));
  j["threads"] = p.threads;
  if (p.exit && p.exit->signal != 0) j["exit"] = {{"signal", p.exit->signal}};
  if (p.exit && p.exit->signal == 0) j["exit"] = {{"code", p.exit->code}};
  if (p.attached) j["attached"] = true;
  if (p.detached) j["let_go"] = true;
  if (place.orphan) j["outlived_parent"] = true;
  j["start_ns"] = p.start_ns;
  if (p.exit || p.detached) j["end_ns"] = p.end_ns;
  return j;
}

}  // namespace

std::string tree_text(const ProcessHistory& history, const TreeStyle& style) {
  return TreePrinter(history, style).print();
}

std::string tree_json(const ProcessHistory& history) {
  std::string out = "{\"processes\": [";
  const char* separator = "\n ";
  for (const TreePlace& place : tree_order(history.tree())) {
    out += separator + encode(history, place).dump();
    separator = ",\n ";
  }
  return out + "\n]}\n";
}

}  // namespace fptrace
