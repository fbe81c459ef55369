#include "common/proc/mountinfo.h"

#include "common/base/scanner.h"
#include "common/proc/lines.h"

namespace fptrace {
namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// \040 and the like, which the kernel writes for blank, tab, newline and backslash.
std::string unescape(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    const bool escape = s[i] == '\\' && i + 3 < s.size() && s[i + 1] <= '3' && is_octal(s[i + 1]) &&
                        is_octal(s[i + 2]) && is_octal(s[i + 3]);
    if (!escape) {
      out += s[i];
      continue;
    }
    out += char((s[i + 1] - '0') * 64 + (s[i + 2] - '0') * 8 + (s[i + 3] - '0'));
    i += 3;
  }
  return out;
}

// A blank-separated word and the blank after it.
bool word(Scanner& s, std::string& out) {
  const size_t end = s.rest().find(' ');
  std::string raw;
  if (end == std::string_view::npos || end == 0 || !s.take(end, raw)) return false;
  out = unescape(raw);
  return s.lit(" ");
}

Result<Mount> parse_line(std::string_view line) {
  Mount m;
  std::string ignored;
  Scanner s(line);
  bool ok = s.dec(m.id) && s.lit(" ") && s.dec(m.parent) && s.lit(" ") && s.dec(m.dev_major) &&
            s.lit(":") && s.dec(m.dev_minor) && s.lit(" ") && word(s, m.root) &&
            word(s, m.mount_point) && word(s, ignored);
  while (ok && !s.lit("- ")) ok = word(s, ignored);  // optional fields
  ok = ok && word(s, m.fstype) && word(s, ignored);
  if (!ok) return fail(Errc::kParse, "bad field at column " + std::to_string(s.column()));
  m.super_options = unescape(s.rest());
  return m;
}

}  // namespace

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  const auto ok = for_each_line(text, "mountinfo", [&](std::string_view line) -> Result<void> {
    auto m = parse_line(line);
    if (!m) return fail(m.error());
    mounts.push_back(*std::move(m));
    return {};
  });
  if (!ok) return fail(ok.error());
  return mounts;
}

std::vector<std::string> overlay_layers(const std::string& options) {
  std::vector<std::string> layers;
  for (const std::string_view key : {"upperdir=", "lowerdir="}) {
    size_t at = ("," + options).find("," + std::string(key));
    if (at == std::string::npos) continue;
    std::string dir;
    for (at += key.size(); at <= options.size(); ++at) {
      const char c = at < options.size() ? options[at] : ',';
      if (c == '\\' && at + 1 < options.size()) {
        dir += options[++at];
      } else if (c == ',' || c == ':') {
        if (!dir.empty()) layers.push_back(std::move(dir));
        dir.clear();
        if (c == ',') break;
      } else {
        dir += c;
      }
    }
  }
  return layers;
}

}  // namespace fptrace
