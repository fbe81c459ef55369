#include "common/analysis/file_names.h"

#include <algorithm>

namespace fptrace {
namespace {

bool is_at_or_below(std::string_view path, std::string_view dir) {
  return path.starts_with(dir) && (path.size() == dir.size() || path[dir.size()] == '/');
}

}  // namespace

bool FileNames::below(const std::unordered_set<std::string>& set, std::string_view path) {
  if (set.empty()) return false;
  std::string at(path);
  while (!at.empty()) {
    if (set.contains(at)) return true;
    const size_t slash = at.rfind('/');
    if (slash == at.npos) return false;
    at.resize(slash);
  }
  return false;
}

void FileNames::make(const std::string& path, Target target) {
  names_.insert_or_assign(path, target);
  made_.insert(path);
  removed_.erase(path);
}

void FileNames::remove(const std::string& path) {
  names_.erase(path);
  removed_.insert(path);
}

FileNames::Subtree FileNames::extract_below(const std::string& dir) {
  const std::string prefix = dir + "/";
  const auto begin = names_.lower_bound(prefix);
  auto end = begin;
  Subtree out;
  for (; end != names_.end() && end->first.starts_with(prefix); ++end) {
    out.emplace_back(end->first.substr(dir.size()), end->second);
  }
  names_.erase(begin, end);
  return out;
}

bool FileNames::holds_moved(const std::string& dir) const {
  return std::any_of(moves_.begin(), moves_.end(), [&](const Move& m) {
    return is_at_or_below(m.to, dir) || (m.exchange && is_at_or_below(m.from, dir));
  });
}

void FileNames::move(const std::string& from, const std::string& to, Target target,
                     bool preexisting_dir) {
  const Subtree below = extract_below(from);
  (void)extract_below(to);  // rename(2): a directory that is replaced is empty
  remove(from);
  make(to, target);
  for (const auto& [suffix, t] : below) make(to + suffix, t);
  if (preexisting_dir || holds_moved(from)) moves_.push_back({from, to, false});
}

void FileNames::exchange(const std::string& a, Target at_a, const std::string& b, Target at_b) {
  const Subtree below_a = extract_below(a), below_b = extract_below(b);
  make(b, at_a);
  make(a, at_b);
  for (const auto& [suffix, t] : below_a) make(b + suffix, t);
  for (const auto& [suffix, t] : below_b) make(a + suffix, t);
  moves_.push_back({a, b, true});
}

const FileNames::Target* FileNames::find(const std::string& path) const {
  const auto it = names_.find(path);
  return it == names_.end() ? nullptr : &it->second;
}

std::string FileNames::original(const std::string& path) const {
  std::string at = path;
  for (auto m = moves_.rbegin(); m != moves_.rend(); ++m) {
    // The moved name itself is an object that is known by its identity; only what lies below
    // can be met for the first time under the new name.
    if (at.size() > m->to.size() && is_at_or_below(at, m->to)) {
      at = m->from + at.substr(m->to.size());
    } else if (m->exchange && at.size() > m->from.size() && is_at_or_below(at, m->from)) {
      at = m->to + at.substr(m->from.size());
    }
  }
  return at;
}

}  // namespace fptrace
