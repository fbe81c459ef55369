#include "fingerprint/debian_version.h"

#include <algorithm>

namespace fptrace {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// '~' sorts before the end of the string, letters before all other characters.
int weight(std::string_view s) {
  if (s.empty() || is_digit(s[0])) return 0;
  if (s[0] == '~') return -1;
  const auto c = static_cast<unsigned char>(s[0]);
  return is_letter(s[0]) ? c : c + 256;
}

// A run of digits as a number of any length.
std::string_view take_number(std::string_view& s) {
  const size_t end = size_t(std::find_if_not(s.begin(), s.end(), is_digit) - s.begin());
  std::string_view number = s.substr(0, end);
  s.remove_prefix(end);
  while (number.starts_with('0')) number.remove_prefix(1);
  return number;
}

std::weak_ordering compare_numbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a <=> b;
}

std::weak_ordering compare_part(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    while ((!a.empty() && !is_digit(a[0])) || (!b.empty() && !is_digit(b[0]))) {
      if (const auto c = weight(a) <=> weight(b); c != 0) return c;
      if (!a.empty()) a.remove_prefix(1);  // equal weights: neither is at its end or at a digit
      if (!b.empty()) b.remove_prefix(1);
    }
    if (const auto c = compare_numbers(take_number(a), take_number(b)); c != 0) return c;
  }
  return std::weak_ordering::equivalent;
}

struct Version {
  std::string_view epoch, upstream, revision;
};

Version split(std::string_view s) {
  Version v;
  if (const size_t colon = s.find(':'); colon != s.npos) {
    v.epoch = s.substr(0, colon);
    s.remove_prefix(colon + 1);
  }
  const size_t hyphen = std::min(s.rfind('-'), s.size());
  v.upstream = s.substr(0, hyphen);
  v.revision = s.substr(std::min(hyphen + 1, s.size()));
  return v;
}

}  // namespace

std::weak_ordering compare_debian_versions(std::string_view a, std::string_view b) {
  const Version x = split(a), y = split(b);
  if (const auto c = compare_part(x.epoch, y.epoch); c != 0) return c;
  if (const auto c = compare_part(x.upstream, y.upstream); c != 0) return c;
  return compare_part(x.revision, y.revision);
}

}  // namespace fptrace
