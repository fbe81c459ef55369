#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace fptrace {

// A database that says more than this is hostile: it would take all memory. A large system has a
// million files, a large package a hundred thousand.
inline constexpr size_t kMostPaths = 4'000'000, kMostPackages = 1'000'000;

// Which packages, by number, list which path. Holds hundreds of thousands of paths, so it refers to
// the text they came in instead of copying each.
class PathTable {
 public:
  // Takes over a text whose parts add() may then be given.
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  // `path` lies in a kept text.
  void add(std::string_view path, uint32_t package) {
    const auto [it, added] = first_.try_emplace(path, package);
    if (!added && it->second != package) more_.emplace(path, package);
  }

  // Calls `f(package)` for each package that lists the path.
  template <class F>
  void each(std::string_view path, F f) const {
    const auto it = first_.find(path);
    if (it == first_.end()) return;
    f(it->second);
    const auto [begin, end] = more_.equal_range(path);
    for (auto more = begin; more != end; ++more) f(more->second);
  }
  bool empty() const { return first_.empty(); }

 private:
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, uint32_t> first_;
  std::unordered_multimap<std::string_view, uint32_t> more_;
};

// Calls `line(number, text)` for each line from 1, without its newline, until it returns false.
template <class F>
void for_each_line(std::string_view text, F line) {
  for (size_t at = 0, number = 1; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (!line(number, text.substr(at, end - at))) return;
    at = end + 1;
  }
}

// Without blanks around it.
inline std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r'))
    s.remove_suffix(1);
  return s;
}

}  // namespace fptrace
