#include "fingerprint/query.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "fingerprint/abi_check.h"

namespace fptrace {
namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool contains(const std::vector<std::string>& list, const std::string& x) {
  return std::find(list.begin(), list.end(), x) != list.end();
}

// Nothing when the object names no version and no library at all.
std::optional<bool> is_64(const ElfInfo& elf) {
  for (const auto* list : {&elf.requires_, &elf.provides}) {
    if (!list->empty()) return parse_requirement(list->front()).is_64;
  }
  return std::nullopt;
}

// Which object needs which, as DT_NEEDED says it.
class NeededGraph {
 public:
  explicit NeededGraph(const Manifest& manifest) {
    for (const ManifestFile& f : manifest.files) {
      if (!f.elf) continue;
      by_path_.emplace(f.path, &f);
      if (!f.roles.has(Role::kLibrary)) continue;
      std::set<std::string> names{f.elf->soname, std::string(base_name(f.path))};
      for (const std::string& name : f.as_used) names.emplace(base_name(name));
      names.erase("");
      for (const std::string& name : names) by_name_.emplace(name, &f);
    }
  }

  // The libraries that may satisfy what `object` needs: usually one for each name.
  std::vector<const ManifestFile*> needed(const ManifestFile& object) const {
    std::vector<const ManifestFile*> out;
    for (const std::string& name : object.elf->needed) {
      const auto [begin, end] = by_name_.equal_range(std::string(base_name(name)));
      for (auto it = begin; it != end; ++it) {
        const auto mine = is_64(*object.elf), its = is_64(*it->second->elf);
        if (it->second != &object && (!mine || !its || *mine == *its)) out.push_back(it->second);
      }
    }
    return out;
  }

  std::vector<std::string> needed_by(const ManifestFile& library) const {
    std::vector<std::string> out;
    for (const auto& [path, object] : by_path_) {
      const auto all = needed(*object);
      if (std::find(all.begin(), all.end(), &library) != all.end()) out.push_back(path);
    }
    return out;
  }

  // The shortest way from the program to the library; empty when there is none to be seen. What
  // the program loaded later counts only where its needs do not lead there, and then what nothing
  // else needs comes first: that is what dlopen(3) was called for.
  std::vector<ChainStep> chain(const std::string& program, const ManifestFile& library) const {
    const auto it = by_path_.find(program);
    if (it == by_path_.end() || it->second == &library) return {};
    const ManifestFile& start = *it->second;
    if (library.linkage == Linkage::kInterp && is_interpreter(start, library)) {
      return {{program, ""}, {library.path, "interp"}};
    }
    auto way = search(start, library, {});
    if (!way.empty()) return way;
    const Objects later = loaded_later(start);
    Objects asked_for = later;
    for (const ManifestFile* f : later) {
      for (const ManifestFile* needed_by_it : needed(*f)) std::erase(asked_for, needed_by_it);
    }
    way = search(start, library, asked_for);
    return way.empty() ? search(start, library, later) : way;
  }

 private:
  using Objects = std::vector<const ManifestFile*>;
  struct From {
    const ManifestFile* object = nullptr;
    std::string how;
  };

  static bool is_interpreter(const ManifestFile& program, const ManifestFile& loader) {
    const std::string& name = program.elf->interpreter;
    return loader.path == name || contains(loader.as_used, name);
  }

  Objects loaded_later(const ManifestFile& program) const {
    Objects out;
    for (const auto& [path, f] : by_path_) {
      const bool later = f->linkage == Linkage::kDlopen || f->linkage == Linkage::kPreload;
      if (later && contains(f->opened_by, program.path)) out.push_back(f);
    }
    return out;
  }

  // `later`: what the program itself asked for, besides what it needs.
  std::vector<ChainStep> search(const ManifestFile& start, const ManifestFile& end,
                                const Objects& later) const {
    std::map<const ManifestFile*, From> from{{&start, {}}};
    std::deque<const ManifestFile*> todo{&start};
    const auto reach = [&](const ManifestFile* to, const ManifestFile* object, std::string how) {
      if (from.emplace(to, From{object, std::move(how)}).second) todo.push_back(to);
    };
    for (const ManifestFile* f : later) reach(f, &start, std::string(to_string(f->linkage)));
    while (!todo.empty() && !from.contains(&end)) {
      const ManifestFile* object = todo.front();
      todo.pop_front();
      for (const ManifestFile* next : needed(*object)) reach(next, object, "needed");
    }
    return way(from, end);
  }

  static std::vector<ChainStep> way(const std::map<const ManifestFile*, From>& from,
                                    const ManifestFile& end) {
    std::vector<ChainStep> out;
    for (auto it = from.find(&end); it != from.end(); it = from.find(it->second.object)) {
      out.push_back({it->first->path, it->second.how});
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

  std::map<std::string, const ManifestFile*> by_path_;  // objects
  std::multimap<std::string, const ManifestFile*> by_name_;
};

bool is_named(const ManifestFile& f, const std::string& word) {
  if (word.find('/') != word.npos || word.starts_with('@') || word.starts_with("memfd:")) {
    return f.path == word || contains(f.as_used, word) || contains(f.links, word);
  }
  const auto ends = [&](const std::string& path) { return base_name(path) == word; };
  return ends(f.path) || std::any_of(f.as_used.begin(), f.as_used.end(), ends);
}

template <class T>
std::vector<const T*> named(const std::vector<T>& list, const std::string& word) {
  std::vector<const T*> out;
  const bool whole = word.find('/') != word.npos;
  for (const T& x : list) {
    if (whole ? x.path == word : base_name(x.path) == word) out.push_back(&x);
  }
  return out;
}

bool is_of_package(const ManifestFile& f, const std::string& word) {
  const auto is = [&](const Package& p) { return p.name == word || p.name + ":" + p.arch == word; };
  return (f.package && is(*f.package)) ||
         std::any_of(f.other_packages.begin(), f.other_packages.end(), is);
}

bool is_symbol(const std::string& requirement, const std::string& word) {
  const Requirement r = parse_requirement(requirement);
  return requirement == word || (!r.version.empty() && r.version == word);
}

class Asker {
 public:
  explicit Asker(const Manifest& manifest) : manifest_(manifest), graph_(manifest) {}

  template <class Matches>
  QueryAnswer ask(const char* kind, const std::string& word, Matches matches) const {
    QueryAnswer answer{kind, word, {}, {}, {}, {}};
    for (const ManifestFile& f : manifest_.files) {
      if (matches(f)) answer.files.push_back(describe(f));
    }
    return answer;
  }

  QueryAnswer ask_path(const std::string& word) const {
    QueryAnswer answer = ask("path", word, [&](const auto& f) { return is_named(f, word); });
    answer.missing = named(manifest_.missing, word);
    answer.outputs = named(manifest_.outputs, word);
    return answer;
  }

  QueryAnswer ask_symbol(const std::string& word) const {
    QueryAnswer answer = ask("symbol", word, [&](const ManifestFile& f) {
      return f.elf && std::any_of(f.elf->provides.begin(), f.elf->provides.end(),
                                  [&](const auto& p) { return is_symbol(p, word); });
    });
    for (const ManifestFile& f : manifest_.files) {
      if (!f.elf) continue;
      for (const std::string& r : f.elf->requires_) {
        if (is_symbol(r, word)) answer.required_by.push_back({f.path, r});
      }
    }
    return answer;
  }

 private:
  FileAnswer describe(const ManifestFile& f) const {
    FileAnswer a;
    a.file = &f;
    if (f.elf && f.roles.has(Role::kLibrary)) {
      a.needed_by = graph_.needed_by(f);
      for (const std::string& program : f.opened_by) {
        auto chain = graph_.chain(program, f);
        if (!chain.empty()) a.chains.push_back(std::move(chain));
      }
    }
    if (!manifest_.processes) return a;
    for (const ManifestProcess& p : *manifest_.processes) {
      if (contains(f.opened_by, p.program) || p.program == f.path) a.processes.push_back(&p);
    }
    return a;
  }

  const Manifest& manifest_;
  NeededGraph graph_;
};

}  // namespace

std::vector<QueryAnswer> query(const Manifest& manifest, const Query& query) {
  const Asker asker(manifest);
  std::vector<QueryAnswer> out;
  for (const std::string& word : query.paths) out.push_back(asker.ask_path(word));
  for (const std::string& word : query.packages) {
    out.push_back(
        asker.ask("package", word, [&](const auto& f) { return is_of_package(f, word); }));
  }
  for (const std::string& word : query.sonames) {
    out.push_back(asker.ask("soname", word,
                            [&](const ManifestFile& f) { return f.elf && f.elf->soname == word; }));
  }
  for (const std::string& word : query.symbols) out.push_back(asker.ask_symbol(word));
  return out;
}

}  // namespace fptrace
