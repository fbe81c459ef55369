#include "common/proc/stat.h"

#include "common/base/scanner.h"
#include "common/proc/text_file.h"

namespace fptrace {
namespace {

// Numbers, some of which need all of an unsigned 64-bit one.
bool skip_fields(Scanner& s, int count) {
  for (uint64_t ignored; count > 0; --count) {
    s.skip_spaces();
    s.lit("-");
    if (!s.dec(ignored)) return false;
  }
  s.skip_spaces();
  return true;
}

}  // namespace

Result<TaskStat> parse_stat(std::string_view text) {
  // The name stands in parentheses and may contain some: it ends at the last one.
  const size_t open = text.find('('), close = text.rfind(')');
  if (open == text.npos || close == text.npos || close < open)
    return fail(Errc::kParse, "stat: no name in parentheses");
  TaskStat stat;
  stat.comm = text.substr(open + 1, close - open - 1);
  Scanner head(text.substr(0, open)), s(text.substr(close + 1));
  std::string state;
  const bool ok = head.dec(stat.pid) && s.lit(" ") && s.take(1, state) && s.lit(" ") &&
                  s.dec(stat.parent) && skip_fields(s, 4) && s.dec(stat.flags) &&
                  skip_fields(s, 10) && s.dec(stat.threads) && skip_fields(s, 1) &&
                  s.dec(stat.start_ticks) && skip_fields(s, 16) && s.dec(stat.processor);
  if (!ok) return fail(Errc::kParse, "stat: bad field");
  stat.state = state[0];
  return stat;
}

Result<TaskStat> read_stat(const std::string& task) {
  const auto text = read_text_file(task + "/stat");
  if (!text) return fail(text.error());
  return parse_stat(*text);
}

}  // namespace fptrace
