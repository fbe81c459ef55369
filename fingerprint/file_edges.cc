#include "fingerprint/file_edges.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace fptrace {
namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool any_64bit(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& n) { return n.ends_with("(64bit)"); });
}

// RPM's spelling marks 64-bit files; a file that neither asks nor offers anything says nothing.
std::optional<bool> is_64bit(const ManifestFile& f) {
  if (!f.elf || (f.elf->requires_.empty() && f.elf->provides.empty())) return std::nullopt;
  return any_64bit(f.elf->requires_) || any_64bit(f.elf->provides);
}

class EdgeFinder {
 public:
  explicit EdgeFinder(const Manifest& m) : m_(m), needed_(m.files.size()) {
    for (size_t i = 0; i < m.files.size(); ++i) add_names(i);
  }

  std::vector<FileEdge> find() {
    for (size_t i = 0; i < m_.files.size(); ++i) add_link_edges(i);
    for (size_t i = 0; i < m_.files.size(); ++i) add_open_edges(i);
    return {edges_.begin(), edges_.end()};
  }

 private:
  void add_names(size_t i) {
    const ManifestFile& f = m_.files[i];
    by_path_.try_emplace(f.path, i);
    for (const auto* names : {&f.as_used, &f.links}) {
      for (const std::string& name : *names) by_path_.try_emplace(name, i);
    }
    if (!f.roles.has(Role::kLibrary)) return;
    std::set<std::string_view> names{base_name(f.path)};
    if (f.elf && !f.elf->soname.empty()) names.insert(f.elf->soname);
    for (const std::string& name : f.as_used) names.insert(base_name(name));
    for (const std::string_view name : names) libraries_[name].push_back(i);
  }

  std::optional<size_t> find_path(std::string_view path) const {
    const auto it = by_path_.find(path);
    if (it == by_path_.end()) return std::nullopt;
    return it->second;
  }

  bool share_a_program(size_t a, size_t b) const {
    const ManifestFile &f = m_.files[a], &g = m_.files[b];
    const auto in = [](const std::vector<std::string>& list, const std::string& path) {
      return std::find(list.begin(), list.end(), path) != list.end();
    };
    return in(g.opened_by, f.path) ||
           std::any_of(f.opened_by.begin(), f.opened_by.end(),
                       [&](const std::string& p) { return in(g.opened_by, p); });
  }

  std::vector<size_t> providers(size_t of, std::string_view name) const {
    const auto it = libraries_.find(base_name(name));
    if (it == libraries_.end()) return {};
    std::vector<size_t> same_size, same_program;
    const auto size = is_64bit(m_.files[of]);
    for (const size_t i : it->second) {
      const auto other = is_64bit(m_.files[i]);
      if (i != of && (!size || !other || *size == *other)) same_size.push_back(i);
    }
    if (same_size.size() < 2) return same_size;
    std::copy_if(same_size.begin(), same_size.end(), std::back_inserter(same_program),
                 [&](size_t i) { return share_a_program(of, i); });
    return same_program.empty() ? same_size : same_program;
  }

  void add_link_edges(size_t i) {
    const auto& elf = m_.files[i].elf;
    if (!elf) return;
    for (const std::string& name : elf->needed) {
      for (const size_t to : providers(i, name)) {
        edges_.insert({i, to, EdgeKind::kNeeded});
        needed_[i].push_back(to);
      }
    }
    if (elf->interpreter.empty()) return;
    const auto loader = find_path(elf->interpreter);
    if (!loader || *loader == i) return;
    edges_.insert({i, *loader, EdgeKind::kLoader});
    needed_[i].push_back(*loader);
  }

  // Whether the loader finds `to` for `from` by itself.
  bool reaches(size_t from, size_t to) {
    const auto [it, added] = reached_.try_emplace(from);
    std::set<size_t>& seen = it->second;
    if (added) {
      std::vector<size_t> todo = needed_[from];
      while (!todo.empty()) {
        const size_t next = todo.back();
        todo.pop_back();
        if (seen.insert(next).second) {
          todo.insert(todo.end(), needed_[next].begin(), needed_[next].end());
        }
      }
    }
    return seen.contains(to);
  }

  void add_open_edges(size_t to) {
    const ManifestFile& f = m_.files[to];
    // Of what the loader brings in by itself the opener is the loader, which says nothing.
    const bool by_loader = f.linkage >= Linkage::kPreload;
    const auto& openers = f.openers.empty() || by_loader ? f.opened_by : f.openers;
    for (const std::string& path : openers) {
      const auto from = find_path(path);
      if (from && *from != to && !reaches(*from, to)) {
        edges_.insert({*from, to, EdgeKind::kOpened});
      }
    }
  }

  const Manifest& m_;
  std::map<std::string_view, size_t> by_path_;
  std::map<std::string_view, std::vector<size_t>> libraries_;
  std::vector<std::vector<size_t>> needed_;
  std::map<size_t, std::set<size_t>> reached_;
  std::set<FileEdge> edges_;
};

}  // namespace

std::vector<FileEdge> file_edges(const Manifest& manifest) { return EdgeFinder(manifest).find(); }

}  // namespace fptrace
