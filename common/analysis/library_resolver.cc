#include "common/analysis/library_resolver.h"

#include <algorithm>

namespace fptrace {
namespace {

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash == path.npos ? 0 : slash);
}

bool is_loader_name(const std::string& soname) {
  return soname.starts_with("ld-linux") || soname.starts_with("ld.so") ||
         soname.starts_with("ld64.so") || soname.starts_with("ld-musl");
}

// What asked for a library before the program itself did.
struct Preload {
  std::string name, from;
};

}  // namespace

// Number 0 is the program; the libraries follow in the order in which they were mapped.
class Libraries::Resolver::OneImage {
 public:
  OneImage(Resolver& resolver, const Image& image)
      : resolver_(resolver), libraries_(resolver.libraries_), image_(image) {
    add(image.program, {}, false);
    for (const Mapped& m : image.mapped)
      add(m.file, libraries_.opened_names_[m.name], m.after_cache);
    find_main();
  }

  std::vector<LoadedFile> run() {
    std::vector<Preload> preload = preloads();
    if (objects_[main_].info) {
      follow(main_, Linkage::kNeeded);
      for (const Preload& p : preload) load_preloaded(p);
      load_dlopened();
    }
    std::vector<LoadedFile> out;
    for (size_t i = 1; i < objects_.size(); ++i) out.push_back(std::move(objects_[i].loaded));
    if (image_.loader != 0) {
      out.push_back({libraries_.files_[image_.loader], Linkage::kInterp, true, false, "PT_INTERP"});
    }
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return a.file.path < b.file.path; });
    return out;
  }

 private:
  struct Object {
    LoadedFile loaded;
    std::optional<LinkInfo> info;
    OpenedName opened;
    bool after_cache = false;
    LinkObject link;
  };

  void add(uint32_t index, const OpenedName& opened, bool after_cache) {
    const FileRef& file = libraries_.files_[index];
    auto info = resolver_.source_.link_info(file);
    const size_t at = objects_.size();
    LinkObject link;
    link.path = file.path;
    const bool relative = !opened.path.empty() && !opened.path.starts_with('/');
    link.origin = directory_of(opened.path.empty() ? file.path
                               : relative          ? opened.base + '/' + opened.path
                                                   : opened.path);
    if (info) {
      link.rpath = info->rpath;
      link.runpath = info->runpath;
      link.no_default = info->no_default;
    }
    if (at != 0) {
      by_name_.try_emplace(base_name(file.path), at);
      if (info && !info->soname.empty()) by_name_.try_emplace(info->soname, at);
      if (!opened.path.empty()) by_name_.try_emplace(base_name(opened.path), at);
    }
    LoadedFile loaded{file, Linkage::kUnknown, !info || info->elf, false, {}};
    objects_.push_back({std::move(loaded), std::move(info), opened, after_cache, std::move(link)});
  }

  void find_main() {
    const auto& program = objects_[0].info;
    if (!program || program->program || !is_loader_name(program->soname)) return;
    // `ld.so PROGRAM`: the loader is the program to the kernel, and maps the real one itself.
    for (size_t i = 1; i < objects_.size(); ++i) {
      if (!objects_[i].info || !objects_[i].info->program) continue;
      main_ = i;
      objects_[i].loaded.program = true;
      return;
    }
  }

  std::vector<Preload> preloads() {
    std::vector<Preload> all;
    const auto take = [&](const std::string& text, const char* from) {
      for (std::string& name : split_preload(text)) all.push_back({std::move(name), from});
    };
    take(image_.audit, "LD_AUDIT");
    take(image_.preload, "LD_PRELOAD");
    if (libraries_.preload_file_) {
      take(resolver_.source_.text(*libraries_.preload_file_).value_or(""), "/etc/ld.so.preload");
    }
    return all;
  }

  // The transitive DT_NEEDED closure of an object, breadth first, as the loader goes.
  void follow(size_t from, Linkage linkage) {
    for (std::deque<size_t> todo{from}; !todo.empty(); todo.pop_front()) {
      const size_t requester = todo.front();
      const auto& info = objects_[requester].info;
      if (!info) continue;
      for (const std::string& name : info->needed) {
        const auto it = by_name_.find(base_name(name));
        if (it == by_name_.end() || it->second == main_) continue;
        Object& o = objects_[it->second];
        if (o.loaded.linkage != Linkage::kUnknown) continue;
        o.loaded.linkage = linkage;
        o.link.loader = &objects_[requester].link;
        o.loaded.found_by = explain(name, o, objects_[requester].link);
        todo.push_back(it->second);
      }
    }
  }

  void load_preloaded(const Preload& p) {
    const auto it = by_name_.find(base_name(p.name));
    if (it == by_name_.end() || it->second == main_) return;
    Object& o = objects_[it->second];
    const bool known = o.loaded.linkage != Linkage::kUnknown;
    if (known && !o.loaded.found_by.empty()) return;
    const std::string rule = explain(p.name, o, objects_[main_].link);
    if (!rule.empty()) o.loaded.found_by = p.from + ": " + rule;
    if (known) return;
    o.loaded.linkage = Linkage::kPreload;
    o.link.loader = &objects_[main_].link;
    follow(it->second, Linkage::kNeeded);
  }

  // What is mapped and nobody asked for by DT_NEEDED.
  void load_dlopened() {
    for (size_t i = 1; i < objects_.size(); ++i) {
      Object& o = objects_[i];
      if (o.loaded.linkage != Linkage::kUnknown || !o.loaded.elf || o.loaded.program) continue;
      o.loaded.linkage = Linkage::kDlopen;
      explain_dlopened(i);
      follow(i, Linkage::kDlopen);
    }
  }

  void explain_dlopened(size_t index) {
    Object& o = objects_[index];
    const std::string name = base_name(o.opened.path.empty() ? o.loaded.file.path : o.opened.path);
    const LinkObject& main = objects_[main_].link;
    const std::string rule = explain(name, o, main);
    const bool by_cache = rule.starts_with("ld.so.cache") || rule.starts_with("default directory");
    const bool musl = search().setup().musl;
    if (!rule.empty() && (!by_cache || musl || o.after_cache)) {
      o.loaded.found_by = rule;
      o.link.loader = &main;
      return;
    }
    // Others than the program may have called dlopen(), with a search path of their own.
    for (size_t i = 1; i < index; ++i) {
      const LinkObject& caller = objects_[i].link;
      if (i == main_ || (caller.rpath.empty() && caller.runpath.empty())) continue;
      const std::string theirs = explain(name, o, caller);
      if (!theirs.starts_with("rpath ") && !theirs.starts_with("runpath ")) continue;
      o.loaded.found_by = theirs;
      o.link.loader = &caller;
      return;
    }
    if (o.opened.path.empty()) return;
    o.loaded.found_by = o.opened.path.starts_with('/') ? "absolute name" : "relative name";
  }

  // The first rule by which the search for `name` leads to the name that `o` was opened by.
  std::string explain(const std::string& name, const Object& o, const LinkObject& requester) {
    std::string found;
    const bool named = !o.opened.path.empty();
    search().walk(name, requester, objects_[main_].link, [&](const LoaderSearch::Candidate& c) {
      const bool it_is = named ? c.path == o.opened.path
                               : c.path == o.loaded.file.path ||
                                     resolver_.source_.real_path(c.path) == o.loaded.file.path;
      if (it_is) found = c.rule;
      return it_is;
    });
    // Such a place may be in the cache, too; where that cannot be read any more, nobody knows.
    const bool cache_lost = image_.cache != 0 && search().environment().cache.empty();
    return cache_lost && found.starts_with("default directory") ? "" : found;
  }

  const LoaderSearch& search() {
    if (search_ == nullptr) search_ = &resolver_.search(image_, *objects_[main_].info);
    return *search_;
  }

  Resolver& resolver_;
  const Libraries& libraries_;
  const Image& image_;
  std::deque<Object> objects_;             // stable addresses: LinkObject::loader points into it
  std::map<std::string, size_t> by_name_;  // every name that DT_NEEDED may call a library
  size_t main_ = 0;
  const LoaderSearch* search_ = nullptr;
};

const LoaderSearch& Libraries::Resolver::search(const Image& image, const LinkInfo& main) {
  // With `ld.so PROGRAM` the loader is what was executed.
  const uint32_t loader = image.loader != 0 ? image.loader : image.program;
  const SearchKey key{main.kind.is_64,
                      main.kind.little_endian,
                      main.kind.machine,
                      main.kind.flags,
                      image.loader != 0 ? image.loader_name : libraries_.files_[loader].path,
                      loader,
                      image.cache,
                      image.path_file,
                      image.search_path};
  const auto known = searches_.find(key);
  if (known != searches_.end()) return known->second;
  const auto text = [&](uint32_t file) {
    return file == 0 ? std::nullopt : source_.text(libraries_.files_[file]);
  };
  LoaderSetup setup =
      loader_setup(main.kind, key.loader_name, loader_directories(text(loader).value_or("")),
                   all_hwcaps(main.kind));
  if (!setup.musl) setup.platforms = all_platforms(main.kind);
  LoaderEnvironment environment;
  environment.library_path = image.search_path;
  environment.path_file = text(image.path_file);
  if (const auto bytes = text(image.cache)) {
    if (auto cache = parse_ld_cache(*bytes)) environment.cache = std::move(*cache);
  }
  return searches_.try_emplace(key, std::move(setup), std::move(environment)).first->second;
}

std::vector<LoadedFile> Libraries::Resolver::resolve(const Image& image) {
  return OneImage(*this, image).run();
}

}  // namespace fptrace
