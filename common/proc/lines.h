#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace {

// Calls `parse(line)` -> Result<void> for each line of `text`, without its newline; a failure is
// passed up with "WHAT line N: " before it. The last line must end in a newline: procfs ends every
// line so, and a text that does not was cut short.
template <class F>
Result<void> for_each_line(std::string_view text, std::string_view what, F parse) {
  for (size_t number = 1; !text.empty(); ++number) {
    const auto where = [&] { return std::string(what) + " line " + std::to_string(number) + ": "; };
    const size_t eol = text.find('\n');
    if (eol == text.npos) return fail(Errc::kParse, where() + "cut short");
    if (Result<void> r = parse(text.substr(0, eol)); !r)
      return fail(r.error().code, where() + r.error().what);
    text.remove_prefix(eol + 1);
  }
  return {};
}

}  // namespace fptrace
