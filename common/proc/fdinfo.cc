#include "common/proc/fdinfo.h"

#include "common/base/scanner.h"
#include "common/proc/lines.h"

namespace fptrace {

Result<FdInfo> parse_fdinfo(std::string_view text) {
  FdInfo info;
  bool found = false;
  const auto ok = for_each_line(text, "fdinfo", [&](std::string_view line) -> Result<void> {
    Scanner s(line);
    if (s.lit("pos:\t") && !s.dec(info.pos)) return fail(Errc::kParse, "bad pos");
    if (s.lit("flags:\t") && !(found = s.number(info.flags, 8)))
      return fail(Errc::kParse, "bad flags");
    return {};
  });
  if (!ok) return fail(ok.error());
  if (!found) return fail(Errc::kParse, "fdinfo: no flags");
  return info;
}

}  // namespace fptrace
