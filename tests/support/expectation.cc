#include "tests/support/expectation.h"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <string>

namespace fptrace::testing {
namespace {

using Words = std::vector<std::string>;

bool is_name_char(char c) { return (c >= 'A' && c <= 'Z') || c == '_'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Cuts one line into words. Blanks end a word except inside "…", where C's \n \t \\ \" \xHH hold.
class LineReader {
 public:
  LineReader(std::string_view line, const Variables& variables)
      : rest_(line), variables_(variables) {}

  Result<Words> read() {
    Words words;
    for (skip_blanks(); !rest_.empty() && rest_.front() != '#'; skip_blanks()) {
      auto word = read_word();
      if (!word) return fail(word.error());
      words.push_back(*std::move(word));
    }
    return words;
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  }
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  Result<std::string> read_word() {
    std::string word;
    bool quoted = false;
    while (!rest_.empty() && (quoted || (rest_.front() != ' ' && rest_.front() != '\t'))) {
      const char c = take();
      if (c == '"') {
        quoted = !quoted;
      } else if (c == '$') {
        if (auto ok = read_variable(word); !ok) return fail(ok.error());
      } else if (c == '\\' && quoted) {
        if (auto ok = read_escape(word); !ok) return fail(ok.error());
      } else {
        word += c;
      }
    }
    if (quoted) return fail(Errc::kParse, "a quote without its end");
    return word;
  }
  Result<void> read_variable(std::string& word) {
    if (rest_.starts_with("$")) {
      word += take();
      return {};
    }
    std::string name;
    while (!rest_.empty() && is_name_char(rest_.front())) name += take();
    const auto found = variables_.find(name);
    if (found == variables_.end()) return fail(Errc::kParse, "no variable $" + name);
    word += found->second;
    return {};
  }
  Result<void> read_escape(std::string& word) {
    if (rest_.empty()) return fail(Errc::kParse, "a backslash ends the line");
    const char c = take();
    static constexpr std::string_view kNames = "nt\\\"", kValues = "\n\t\\\"";
    if (const size_t at = kNames.find(c); at != kNames.npos) {
      word += kValues[at];
      return {};
    }
    if (c != 'x' || rest_.size() < 2 || hex_digit(rest_[0]) < 0 || hex_digit(rest_[1]) < 0) {
      return fail(Errc::kParse, std::string("unknown escape \\") + c);
    }
    const int high = hex_digit(take());
    word += char(high * 16 + hex_digit(take()));
    return {};
  }

  std::string_view rest_;
  const Variables& variables_;
};

Result<long> number(const std::string& word, int base) {
  long value = 0;
  const char* end = word.data() + word.size();
  const auto [at, error] = std::from_chars(word.data(), end, value, base);
  if (error != std::errc{} || at != end) return fail(Errc::kParse, "not a number: " + word);
  return value;
}

// Splits "key=value"; false when there is no such key in front.
bool attribute(const std::string& word, std::string_view key, std::string& value) {
  if (!word.starts_with(key) || word.size() <= key.size() || word[key.size()] != '=') return false;
  value = word.substr(key.size() + 1);
  return true;
}

class Parser {
 public:
  explicit Parser(const Variables& variables) : variables_(variables) {}

  Result<Expectation> parse(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const size_t end = std::min(text.find('\n'), text.size());
      if (auto ok = parse_line(text.substr(0, end)); !ok) return at_line(ok.error().what);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (out_.about.empty()) return at_line("no `case:` line");
    return std::move(out_);
  }

 private:
  tl::unexpected<Error> at_line(const std::string& what) const {
    return fail(Errc::kParse, "expect line " + std::to_string(line_) + ": " + what);
  }

  Result<void> parse_line(std::string_view line) {
    // The one line that is prose, not words.
    if (static constexpr std::string_view kCase = "case:"; line.starts_with(kCase)) {
      line.remove_prefix(std::min(line.find_first_not_of(' ', kCase.size()), line.size()));
      out_.about = line;
      return {};
    }
    auto words = LineReader(line, variables_).read();
    if (!words) return fail(words.error());
    if (words->empty()) return {};
    const std::string key = words->front();
    words->erase(words->begin());
    return key.ends_with(':') ? set_up_line(key, *words) : expect_line(key, *words);
  }

  static Result<void> need(const Words& w, size_t low, size_t high) {
    if (w.size() >= low && w.size() <= high) return {};
    return fail(Errc::kParse, "takes " + std::to_string(low) +
                                  (low == high ? "" : " to " + std::to_string(high)) +
                                  " words, has " + std::to_string(w.size()));
  }

  Result<void> set_up_line(const std::string& key, Words& w) {
    using Kind = SetUpStep::Kind;
    static const std::map<std::string, Kind> kSteps = {{"file:", Kind::kFile},
                                                       {"copy:", Kind::kCopy},
                                                       {"dir:", Kind::kDir},
                                                       {"link:", Kind::kLink},
                                                       {"hardlink:", Kind::kHardLink}};
    if (const auto step = kSteps.find(key); step != kSteps.end()) return step_line(step->second, w);
    static const std::map<std::string, Words Expectation::*> kLists = {
        {"before:", &Expectation::before},
        {"server:", &Expectation::server},
        {"args:", &Expectation::args},
        {"env:", &Expectation::env}};
    if (const auto list = kLists.find(key); list != kLists.end()) {
      if (w.empty()) return fail(Errc::kParse, "takes at least one word");
      auto& to = out_.*(list->second);
      to.insert(to.end(), w.begin(), w.end());
      return {};
    }
    return single_line(key, w);
  }

  Result<void> step_line(SetUpStep::Kind kind, Words& w) {
    SetUpStep step{kind, {}, {}, 0};
    std::string mode;
    if (!w.empty() && attribute(w.back(), "mode", mode)) {
      const auto value = number(mode, 8);
      if (!value) return fail(value.error());
      step.mode = mode_t(*value);
      w.pop_back();
    }
    const size_t count = kind == SetUpStep::Kind::kDir ? 1 : 2;
    if (auto ok = need(w, count, count); !ok) return ok;
    if (w[0].starts_with("/")) return fail(Errc::kParse, "a name relative to $W, please: " + w[0]);
    step.name = w[0];
    if (count == 2) step.value = w[1];
    out_.set_up.push_back(std::move(step));
    return {};
  }

  Result<void> single_line(const std::string& key, const Words& w) {
    if (key == "needs:") {
      for (const auto& what : w) {
        if (what != "root" && what != "multilib" && what != "ia32" && what != "seccomp")
          return fail(Errc::kParse, "unknown need " + what);
        out_.needs.insert(what);
      }
      return need(w, 1, 2);
    }
    if (key == "only:") {
      out_.only.insert(w.begin(), w.end());
      return need(w, 1, 10);
    }
    if (key == "not-yet:") {
      if (auto ok = need(w, 2, 2); !ok) return ok;
      out_.not_yet[w[0]] = w[1];
      return {};
    }
    if (key == "differs:") {
      if (auto ok = need(w, 2, 2); !ok) return ok;
      out_.differs[w[0]] = w[1];
      return {};
    }
    if (key == "exit:") return exit_line(w);
    if (key == "scale:") return scale_line(w);
    if (auto ok = need(w, 1, 1); !ok) return ok;
    if (key == "run:") {
      out_.program = w[0];
    } else if (key == "stdin:") {
      out_.input = w[0];
    } else if (key == "as-user:") {
      out_.user = w[0];
    } else if (key == "warnings:") {
      const auto count = number(w[0], 10);
      if (!count) return fail(count.error());
      out_.warnings = *count;
    } else if (key == "daemons:") {
      return choice(w[0], {"follow", "detach", "kill"},
                    [&](size_t i) { out_.daemons = Leftovers(i); });
    } else if (key == "attach:") {
      return choice(w[0], {"no", "yes", "detach"}, [&](size_t i) { out_.attach = Attach(i); });
    } else if (key == "compare-untraced:") {
      return choice(w[0], {"no", "yes"}, [&](size_t i) { out_.compare_untraced = i == 1; });
    } else if (key == "compare-modes:") {
      return choice(w[0], {"no", "yes"}, [&](size_t i) { out_.compare_modes = i == 1; });
    } else {
      return fail(Errc::kParse, "unknown key " + key);
    }
    return {};
  }

  static Result<void> choice(const std::string& word, const Words& all,
                             const std::function<void(size_t)>& set) {
    const auto found = std::find(all.begin(), all.end(), word);
    if (found == all.end()) return fail(Errc::kParse, "unknown value " + word);
    set(size_t(found - all.begin()));
    return {};
  }

  Result<void> exit_line(const Words& w) {
    if (w.size() == 2 && w[0] == "signal") {
      out_.exit_signal = signal_of(w[1]);
      if (out_.exit_signal == 0) return fail(Errc::kParse, "unknown signal " + w[1]);
      return {};
    }
    if (auto ok = need(w, 1, 1); !ok) return ok;
    const auto code = number(w[0], 10);
    if (!code) return fail(code.error());
    out_.exit_code = int(*code);
    return {};
  }

  Result<void> scale_line(const Words& w) {
    if (auto ok = need(w, 2, 2); !ok) return ok;
    const auto usual = number(w[0], 10), torture = number(w[1], 10);
    if (!usual) return fail(usual.error());
    if (!torture) return fail(torture.error());
    out_.scale = *usual;
    out_.torture_scale = *torture;
    return {};
  }

  Result<void> expect_line(const std::string& key, const Words& w) {
    if (key == "file") return file_line(w);
    if (key == "output") return output_line(w);
    if (key == "process") return process_line(w);
    if (key == "missing") {
      if (auto ok = need(w, 2, 2); !ok) return ok;
      if (errno_of(w[1]) == 0) return fail(Errc::kParse, "unknown errno " + w[1]);
      out_.missing.push_back({line_, w[0], w[1]});
      return {};
    }
    if (key == "may") {
      if (auto ok = need(w, 2, 2); !ok) return ok;
      out_.allowed.push_back({line_, w[0], w[1]});
      return choice(w[0], {"file", "missing", "output", "gap"}, [](size_t) {});
    }
    if (key == "gap") return gap_line(w);
    if (auto ok = need(w, 1, 1); !ok) return ok;
    if (key == "absent") {
      out_.absent.push_back(w[0]);
    } else {
      return fail(Errc::kParse, "unknown expectation " + key);
    }
    return {};
  }

  static bool content_attribute(const std::string& word, Content& content) {
    std::string value;
    if (attribute(word, "content", value)) {
      content.literal = value;
    } else if (attribute(word, "same-as", value)) {
      content.same_as = value;
    } else {
      return false;
    }
    return true;
  }

  Result<void> file_line(const Words& w) {
    if (auto ok = need(w, 2, 12); !ok) return ok;
    ExpectedFile file;
    file.line = line_;
    file.path = w[0];
    static const std::set<std::string> kRoles = {"executable", "script", "interpreter",
                                                 "library",    "data",   "directory",
                                                 "metadata",   "socket"};
    for (size_t i = 1; i < w.size(); ++i) {
      std::string value;
      if (kRoles.contains(w[i])) {
        file.roles.insert(w[i]);
      } else if (attribute(w[i], "linkage", value)) {
        file.linkage = value;
      } else if (attribute(w[i], "source", value)) {
        file.source = value;
      } else if (attribute(w[i], "peer", value)) {
        file.peer = value;
      } else if (attribute(w[i], "link", value)) {
        file.links.push_back(value);
      } else if (!content_attribute(w[i], file.content)) {
        return fail(Errc::kParse, "neither a role nor an attribute of a file: " + w[i]);
      }
    }
    if (file.roles.empty()) return fail(Errc::kParse, "a file needs a role");
    out_.files.push_back(std::move(file));
    return {};
  }

  Result<void> output_line(const Words& w) {
    if (auto ok = need(w, 1, 2); !ok) return ok;
    ExpectedOutput output{line_, w[0], {}};
    if (w.size() == 2 && !content_attribute(w[1], output.content)) {
      return fail(Errc::kParse, "not an attribute of an output: " + w[1]);
    }
    out_.outputs.push_back(std::move(output));
    return {};
  }

  Result<void> gap_line(const Words& w) {
    if (auto ok = need(w, 1, 10); !ok) return ok;
    ExpectedGap gap{line_, w[0], {}};
    for (size_t i = 1; i < w.size(); ++i) {
      std::string backend;
      if (!attribute(w[i], "on", backend)) {
        return fail(Errc::kParse, "not an attribute of a gap: " + w[i]);
      }
      gap.on.insert(backend);
    }
    out_.gaps.push_back(std::move(gap));
    return {};
  }

  Result<void> process_line(const Words& w) {
    if (auto ok = need(w, 2, 10000); !ok) return ok;
    std::string joined = w[0];
    for (size_t i = 1; i < w.size(); ++i) joined += " " + w[i];
    out_.processes.push_back(std::move(joined));
    return {};
  }

  const Variables& variables_;
  Expectation out_;
  int line_ = 0;
};

}  // namespace

Result<Expectation> parse_expectation(std::string_view text, const Variables& variables) {
  return Parser(variables).parse(text);
}

int errno_of(const std::string& name) {
  for (int i = 1; i < 4096; ++i) {
    const char* known = ::strerrorname_np(i);
    if (known != nullptr && name == known) return i;
  }
  return 0;
}

int signal_of(const std::string& name) {
  for (int i = 1; i < NSIG; ++i) {
    const char* known = ::sigabbrev_np(i);
    if (known != nullptr && name == known) return i;
  }
  return 0;
}

}  // namespace fptrace::testing
