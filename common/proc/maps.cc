#include "common/proc/maps.h"

#include "common/base/scanner.h"
#include "common/proc/lines.h"
#include "common/proc/text_file.h"

namespace fptrace {
namespace {

Result<Mapping> parse_line(std::string_view line) {
  Mapping m;
  Scanner s(line);
  const bool ok = s.hex(m.begin) && s.lit("-") && s.hex(m.end) && s.lit(" ") &&
                  s.take(4, m.perms) && s.lit(" ") && s.hex(m.offset) && s.lit(" ") &&
                  s.hex(m.dev_major) && s.lit(":") && s.hex(m.dev_minor) && s.lit(" ") &&
                  s.dec(m.inode);
  if (!ok) return fail(Errc::kParse, "bad field at column " + std::to_string(s.column()));
  if (m.end < m.begin) return fail(Errc::kParse, "end before begin");
  if (!s.rest().empty() && !s.lit(" ")) return fail(Errc::kParse, "junk after inode");
  s.skip_spaces();
  m.name = s.rest();
  return m;
}

}  // namespace

Result<std::vector<Mapping>> parse_maps(std::string_view text) {
  std::vector<Mapping> maps;
  const auto ok = for_each_line(text, "maps", [&](std::string_view line) -> Result<void> {
    auto m = parse_line(line);
    if (!m) return fail(m.error());
    maps.push_back(*std::move(m));
    return {};
  });
  if (!ok) return fail(ok.error());
  return maps;
}

Result<std::vector<Mapping>> read_maps(pid_t pid) {
  const auto text = read_text_file("/proc/" + std::to_string(pid) + "/maps");
  if (!text) return fail(text.error());
  return parse_maps(*text);
}

}  // namespace fptrace
