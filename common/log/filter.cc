#include "common/log/filter.h"

#include <fnmatch.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "common/base/scanner.h"
#include "common/log/text.h"

namespace fptrace {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr std::string_view kSpecial = "*?[]\\";  // to fnmatch

bool matches_path(const std::string& pattern, const std::string& path) {
  return !path.empty() && ::fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
}
bool matches_file(const std::string& pattern, const FileRef& f) {
  return matches_path(pattern, f.path) || matches_path(pattern, f.source);
}
bool matches_lookup(const std::string& pattern, const Lookup& l) {
  return matches_path(pattern, l.path) || matches_file(pattern, l.file) ||
         std::ranges::any_of(l.links, [&](const auto& s) { return matches_path(pattern, s); });
}

bool any_path(const std::string& p, const Event& event) {
  const auto none = [](const auto&) { return false; };
  return match(
      event,
      [&](const ExecEvent& e) {
        return matches_lookup(p, e.program) || matches_lookup(p, e.loader) ||
               std::ranges::any_of(e.interpreters,
                                   [&](const auto& i) { return matches_lookup(p, i); });
      },
      [&](const OpenEvent& e) { return matches_lookup(p, e.at); },
      [&](const FdEvent& e) { return matches_file(p, e.file); },
      [&](const MmapEvent& e) { return matches_file(p, e.file); },
      [&](const ListEvent& e) { return matches_file(p, e.directory); },
      [&](const PathEvent& e) { return matches_lookup(p, e.at) || matches_path(p, e.target); },
      [&](const RenameEvent& e) { return matches_lookup(p, e.from) || matches_lookup(p, e.to); },
      [&](const MountEvent& e) { return matches_path(p, e.source) || matches_lookup(p, e.target); },
      [&](const SocketEvent& e) {
        return matches_path(p, e.address) || matches_lookup(p, e.at) || matches_path(p, e.peer_exe);
      },
      [&](const ContentEvent& e) { return matches_file(p, e.file); },
      [&](const TaintSourceEvent& e) {
        return e.origin == TaintOrigin::kFile && matches_path(p, e.name);
      },
      [&](const TaintWriteEvent& e) { return matches_file(p, e.file); },
      [&](const TaintUseEvent& e) { return matches_path(p, e.at.object); },
      // Types without a path, each named: a new one must be thought of here.
      [&](const TraceStartEvent& e) { return none(e); },
      [&](const TraceEndEvent& e) { return none(e); },
      [&](const AttachEvent& e) { return none(e); }, [&](const DetachEvent& e) { return none(e); },
      [&](const ForkEvent& e) { return none(e); }, [&](const ThreadEvent& e) { return none(e); },
      [&](const ThreadExitEvent& e) { return none(e); },
      [&](const ExitEvent& e) { return none(e); }, [&](const SignalEvent& e) { return none(e); },
      [&](const GapEvent& e) { return none(e); },
      [&](const TaintHolderEvent& e) { return none(e); },
      [&](const TaintQueryEvent& e) { return none(e); },
      [&](const TaintUnmodelledEvent& e) { return none(e); },
      [&](const TaintSummaryEvent& e) { return none(e); },
      [&](const TaintNoteEvent& e) { return none(e); });
}

std::optional<int64_t> fd_of(const Event& event) {
  if (const auto* e = std::get_if<OpenEvent>(&event.body)) return e->fd;
  if (const auto* e = std::get_if<FdEvent>(&event.body)) return e->fd;
  return std::nullopt;
}

// Above the range of int64_t: no trace gets there.
int64_t clamp(uint64_t n) { return int64_t(std::min(n, uint64_t(kMax))); }

}  // namespace

class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text) {}

  Result<Filter> run() {
    Filter filter;
    for (skip_blanks(); at_ < text_.size(); skip_blanks()) {
      auto term = parse_term();
      if (!term) return fail(term.error());
      filter.terms_.push_back(std::move(*term));
    }
    return filter;
  }

 private:
  using Field = Filter::Field;
  using Value = Filter::Value;
  struct Word {
    std::string plain;    // with the escapes undone
    std::string pattern;  // with what was escaped or quoted as a literal for fnmatch
    size_t column = 0;
  };

  static tl::unexpected<Error> error(size_t column, const std::string& what) {
    return fail(Errc::kParse, "filter column " + std::to_string(column) + ": " + what);
  }
  size_t column() const { return at_ + 1; }
  bool at(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    const bool yes = at(c);
    at_ += yes ? 1 : 0;
    return yes;
  }
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  Result<Filter::Term> parse_term() {
    const size_t start = column();
    const size_t end = std::min(text_.find_first_of("=! \t\n", at_), text_.size());
    const std::string_view name = text_.substr(at_, end - at_);
    const auto field = find_field(name);
    if (!field) {
      return error(start, "no field '" + std::string(name) +
                              "'; there are seq, time, pid, tid, fd, process, type, path, error");
    }
    at_ = end;
    Filter::Term term{*field, take('!'), {}};
    if (!take('='))
      return error(column(), "'=' or '!=' expected after '" + std::string(name) + "'");
    do {
      const auto word = parse_word();
      if (!word) return fail(word.error());
      auto value = parse_value(*field, *word);
      if (!value) return fail(value.error());
      term.values.push_back(std::move(*value));
    } while (take(','));
    return term;
  }

  static std::optional<Field> find_field(std::string_view name) {
    static constexpr std::pair<std::string_view, Field> kFields[] = {
        {"seq", Field::kSeq},   {"time", Field::kTime}, {"pid", Field::kPid},
        {"tid", Field::kTid},   {"fd", Field::kFd},     {"process", Field::kProcess},
        {"type", Field::kType}, {"path", Field::kPath}, {"error", Field::kError}};
    const auto it = std::ranges::find(kFields, name, &std::pair<std::string_view, Field>::first);
    return it == std::end(kFields) ? std::nullopt : std::optional(it->second);
  }

  // Up to a blank or comma outside quotes.
  Result<Word> parse_word() {
    Word w{{}, {}, column()};
    size_t quote = 0;  // column of the open one
    for (; at_ < text_.size() && (quote != 0 || !(is_blank(text_[at_]) || at(','))); ++at_) {
      if (at('"')) {
        quote = quote == 0 ? column() : 0;
      } else if (at('\\')) {
        if (auto ok = parse_escape(w); !ok) return fail(ok.error());
      } else if (const char c = text_[at_]; quote != 0) {
        add_literal(w, c);
      } else {
        w.plain += c;
        w.pattern += c;
      }
    }
    if (quote != 0) return error(quote, "this quote is not closed");
    if (w.plain.empty()) return error(w.column, "a value is missing");
    return w;
  }

  static void add_literal(Word& w, char c) {
    w.plain += c;
    if (kSpecial.find(c) != kSpecial.npos) w.pattern += '\\';
    w.pattern += c;
  }

  // Leaves at_ on the last character of the escape.
  Result<void> parse_escape(Word& w) {
    const size_t start = column();
    if (++at_ == text_.size()) return error(start, "nothing follows the backslash");
    if (!at('x')) {
      add_literal(w, text_[at_]);
      return {};
    }
    uint8_t byte = 0;
    Scanner digits(text_.substr(at_ + 1, 2));
    if (!digits.hex(byte) || !digits.rest().empty() || text_.size() - at_ < 3 || byte == 0) {
      return error(start, "\\x takes two hexadecimal digits, not 00");
    }
    add_literal(w, char(byte));
    at_ += 2;
    return {};
  }

  static Result<Value> parse_value(Field field, const Word& w) {
    switch (field) {
      case Field::kSeq:
      case Field::kPid:
      case Field::kTid:
      case Field::kFd:
        return parse_range(w, parse_number);
      case Field::kTime:
        return parse_range(w, parse_seconds);
      case Field::kProcess:
        return parse_process(w);
      case Field::kError:
        return parse_error(w);
      case Field::kPath:
        return Value{0, 0, w.pattern};
      case Field::kType:
        break;
    }
    if (!is_event_name(w.plain)) return error(w.column, "no event type '" + w.plain + "'");
    return Value{0, 0, w.plain};
  }

  static bool parse_number(std::string_view text, int64_t& out) {
    Scanner s(text);
    return s.dec(out) && s.rest().empty();
  }

  // Seconds with up to nine digits behind the point, as nanoseconds.
  static bool parse_seconds(std::string_view text, int64_t& out) {
    constexpr int64_t kSecond = 1'000'000'000;
    const size_t point = std::min(text.find('.'), text.size());
    std::string fraction(text.substr(std::min(point + 1, text.size())));
    if (point != text.size() && (fraction.empty() || fraction.size() > 9)) return false;
    fraction.resize(9, '0');
    int64_t sec = 0;
    uint32_t nsec = 0;
    Scanner s(fraction);
    if (!parse_number(text.substr(0, point), sec) || !s.dec(nsec) || !s.rest().empty())
      return false;
    if (sec < 0 || sec > kMax / kSecond - 1) return false;
    out = sec * kSecond + int64_t(nsec);
    return true;
  }

  static Result<Value> parse_range(const Word& w, bool (*parse)(std::string_view, int64_t&)) {
    const std::string_view text = w.plain;
    const size_t dots = text.find("..");
    Value v{std::numeric_limits<int64_t>::min(), kMax, {}};
    if (dots == text.npos) {
      if (!parse(text, v.low)) return error(w.column, "'" + w.plain + "' is not a number or range");
      v.high = v.low;
      return v;
    }
    const std::string_view low = text.substr(0, dots), high = text.substr(dots + 2);
    if ((low.empty() && high.empty()) || (!low.empty() && !parse(low, v.low)) ||
        (!high.empty() && !parse(high, v.high))) {
      return error(w.column, "'" + w.plain + "' is not a range such as 10..20, 10.. or ..20");
    }
    if (v.low > v.high) return error(w.column, "the range '" + w.plain + "' is empty");
    return v;
  }

  static Result<Value> parse_process(const Word& w) {
    int32_t pid = 0;
    uint32_t serial = 0;
    Scanner s(w.plain);
    if (!s.dec(pid)) return error(w.column, "'" + w.plain + "' is not PID or PID/SERIAL");
    if (s.rest().empty()) return Value{pid, -1, {}};
    if (!s.lit("/") || !s.dec(serial) || !s.rest().empty()) {
      return error(w.column, "'" + w.plain + "' is not PID or PID/SERIAL");
    }
    return Value{pid, serial, {}};
  }

  static Result<Value> parse_error(const Word& w) {
    if (w.plain == "any") return Value{1, kMax, {}};
    if (w.plain == "none") return Value{0, 0, {}};
    const auto number = errno_number(w.plain);
    if (!number) return error(w.column, "no error '" + w.plain + "'; ENOENT, 2, any or none");
    return Value{*number, *number, {}};
  }

  std::string_view text_;
  size_t at_ = 0;
};

Result<Filter> Filter::parse(std::string_view text) { return FilterParser(text).run(); }

bool Filter::holds(const Term& term, const Event& e) {
  const auto any = [&](auto&& test) { return std::ranges::any_of(term.values, test); };
  const auto in_range = [&](int64_t n) {
    return any([n](const Value& v) { return v.low <= n && n <= v.high; });
  };
  switch (term.field) {
    case Field::kSeq:
      return in_range(clamp(e.seq));
    case Field::kTime:
      return in_range(clamp(e.time_ns));
    case Field::kPid:
      return in_range(e.process.pid);
    case Field::kTid:
      return in_range(e.tid);
    case Field::kError:
      return in_range(error_of(e));
    case Field::kFd: {
      const auto fd = fd_of(e);
      return fd && in_range(*fd);
    }
    case Field::kProcess:
      return any([&](const Value& v) {
        return v.low == e.process.pid && (v.high < 0 || v.high == int64_t(e.process.serial));
      });
    case Field::kType:
      return any([&](const Value& v) {
        return v.pattern == type_name(e) || v.pattern == operation_name(e);
      });
    case Field::kPath:
      break;
  }
  return any([&](const Value& v) { return any_path(v.pattern, e); });
}

bool Filter::matches(const Event& event) const {
  return std::ranges::all_of(terms_,
                             [&](const Term& term) { return holds(term, event) != term.negated; });
}

}  // namespace fptrace
