#include "fingerprint/pack/globs.h"

#include <algorithm>

namespace fptrace::pack {
namespace {

// One element of a pattern: what it matches, and whether it repeats.
struct Element {
  enum Kind { kByte, kAny, kSet, kStar, kStarStar } kind = kByte;
  unsigned char byte = 0;
  std::string_view set;  // between the brackets
};

bool in_set(std::string_view set, unsigned char c) {
  const bool negated = !set.empty() && (set[0] == '!' || set[0] == '^');
  if (negated) set.remove_prefix(1);
  bool found = false;
  for (size_t i = 0; i < set.size(); ++i) {
    const auto low = static_cast<unsigned char>(set[i]);
    const bool range = i + 2 < set.size() && set[i + 1] == '-';
    const auto high = range ? static_cast<unsigned char>(set[i + 2]) : low;
    found = found || (low <= c && c <= high);
    if (range) i += 2;
  }
  return found != negated;
}

std::vector<Element> elements(std::string_view pattern) {
  std::vector<Element> out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*') {
      const bool two = i + 1 < pattern.size() && pattern[i + 1] == '*';
      while (i + 1 < pattern.size() && pattern[i + 1] == '*') ++i;
      out.push_back({two ? Element::kStarStar : Element::kStar, 0, {}});
    } else if (c == '?') {
      out.push_back({Element::kAny, 0, {}});
    } else if (const size_t end = pattern.find(']', i + 2);
               c == '[' && i + 2 <= pattern.size() && end != pattern.npos) {
      out.push_back({Element::kSet, 0, pattern.substr(i + 1, end - i - 1)});
      i = end;
    } else {
      if (c == '\\' && i + 1 < pattern.size()) ++i;
      out.push_back({Element::kByte, static_cast<unsigned char>(pattern[i]), {}});
    }
  }
  return out;
}

bool matches(const Element& e, unsigned char c) {
  switch (e.kind) {
    case Element::kByte:
      return e.byte == c;
    case Element::kAny:
    case Element::kStar:
      return c != '/';
    case Element::kSet:
      return c != '/' && in_set(e.set, c);
    case Element::kStarStar:
      return true;
  }
  return false;
}

// All positions in the pattern at once, so that no pattern costs more than its length times that
// of the path. A match ends with the path or at a slash within it.
bool matches_from(const std::vector<Element>& pattern, std::string_view path) {
  std::vector<bool> at(pattern.size() + 1), next(pattern.size() + 1);
  at[0] = true;
  for (size_t i = 0;; ++i) {
    for (size_t p = 0; p < pattern.size(); ++p)  // a star may match nothing
      if (at[p] && pattern[p].kind >= Element::kStar) at[p + 1] = true;
    const bool boundary = i == path.size() || (i > 0 && path[i] == '/');
    if (at.back() && boundary) return true;
    if (i == path.size()) return false;
    std::fill(next.begin(), next.end(), false);
    for (size_t p = 0; p < pattern.size(); ++p) {
      if (!at[p] || !matches(pattern[p], static_cast<unsigned char>(path[i]))) continue;
      next[pattern[p].kind >= Element::kStar ? p : p + 1] = true;
    }
    at.swap(next);
  }
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view path) {
  while (pattern.size() > 1 && pattern.ends_with('/')) pattern.remove_suffix(1);
  if (pattern.empty()) return false;
  const std::vector<Element> all = elements(pattern);
  if (pattern == "/") return path.starts_with('/');
  if (pattern[0] == '/') return matches_from(all, path);
  for (size_t at = 0; at < path.size(); ++at) {
    if (path[at] == '/' && matches_from(all, path.substr(at + 1))) return true;
  }
  return !path.starts_with('/') && matches_from(all, path);
}

Verdict decide(const std::vector<GlobRule>& rules, const std::vector<std::string>& names) {
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    const auto hit = [&](const std::string& name) { return glob_matches(rule->pattern, name); };
    if (std::ranges::any_of(names, hit))
      return rule->include ? Verdict::kInclude : Verdict::kExclude;
  }
  return Verdict::kNone;
}

}  // namespace fptrace::pack
