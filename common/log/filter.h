#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/event/event.h"

namespace fptrace {

// Chooses events by an expression: terms separated by blanks, of which all must hold.
//
//   FIELD=VALUE[,VALUE]...    one of the values
//   FIELD!=VALUE[,VALUE]...   none of them
//
//   seq    number or range: 7, 10..20, 10.., ..20 (both ends belong to it)
//   time   seconds since the start, likewise: 0.5..1.25
//   pid, tid, fd               number or range (pid: of the process; fd: what was opened or came)
//   process  PID or PID/SERIAL, which tells apart processes that had the same pid
//   type   open, exec, fork, stat, unlink, ... or a group of them: path, rename, mount, socket
//   path   any path of the event, as given or canonical; * ? [a-z] as in a shell, but * takes / too
//   error  ENOENT, 2, any (failed), none (succeeded, or cannot fail)
//
// Values with blanks, commas or quotes go in "quotes". A backslash makes the next character an
// ordinary one; \xNN is the byte NN. So what to_text_line() prints in quotes can be given back.
class Filter {
 public:
  Filter() = default;  // everything
  // Pure. Errors name the 1-based column.
  static Result<Filter> parse(std::string_view text);
  bool matches(const Event& event) const;

 private:
  enum class Field { kSeq, kTime, kPid, kTid, kFd, kProcess, kType, kPath, kError };
  struct Value {
    int64_t low = 0, high = 0;  // numbers, errors, pids: inclusive. kProcess: pid, serial (or -1)
    std::string pattern;        // of fnmatch(3) for kPath; a name for kType
  };
  struct Term {
    Field field = Field::kSeq;
    bool negated = false;
    std::vector<Value> values;
  };
  friend class FilterParser;
  static bool holds(const Term& term, const Event& event);

  std::vector<Term> terms_;
};

}  // namespace fptrace
