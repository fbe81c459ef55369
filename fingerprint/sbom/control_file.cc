#include "fingerprint/sbom/control_file.h"

#include <strings.h>

namespace fptrace {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view s) {
  const size_t first = s.find_first_not_of(kBlank);
  if (first == s.npos) return {};
  return s.substr(first, s.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

Result<std::vector<ControlParagraph>> parse_control_file(std::string_view text) {
  std::vector<ControlParagraph> out;
  bool within = false;
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    const std::string where = "line " + std::to_string(number);
    if (trimmed(line).empty()) {
      within = false;
    } else if (line[0] == '#') {
      continue;
    } else if (line[0] == ' ' || line[0] == '\t') {
      if (!within) return fail(Errc::kParse, where + ": continues no field");
      // A line of a single dot stands for an empty one, which would end the paragraph.
      const std::string_view rest = trimmed(line);
      std::string& value = out.back().back().value;
      value += '\n';
      if (rest != ".") value += line.substr(1, line.find_last_not_of(kBlank));
    } else {
      const size_t colon = line.find(':');
      if (colon == line.npos || colon == 0) return fail(Errc::kParse, where + ": no field name");
      if (!within) out.emplace_back();
      within = true;
      out.back().push_back(
          {std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1)))});
    }
  }
  return out;
}

std::string_view field(const ControlParagraph& paragraph, std::string_view name) {
  for (const ControlField& f : paragraph) {
    if (f.name.size() == name.size() && ::strncasecmp(f.name.data(), name.data(), name.size()) == 0)
      return f.value;
  }
  return {};
}

}  // namespace fptrace
