#include "common/elf/loader_search.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace fptrace {
namespace {

// A hostile RPATH could name the same few bytes over and over.
constexpr size_t kMaxEntries = 4096;
constexpr int kMaxChain = 4096;

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size() && parts.size() < kMaxEntries;) {
    const size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// Without `.`, `..` and double slashes, by the letters alone: how glibc judges a trusted path.
std::string normal(std::string_view path) {
  std::string out;
  for (const std::string_view part : split(path, "/")) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      out.erase(std::min(out.rfind('/'), out.size()));
    } else {
      (out += '/') += part;
    }
  }
  return out + '/';
}

// The subdirectories of a searched directory, best first. Before 2.37 glibc also tried all
// combinations of "tls", the platform and one name of a processor feature.
std::vector<std::string> make_subdirectories(const LoaderSetup& setup) {
  if (setup.musl) return {""};
  std::vector<std::string> out;
  for (const std::string& name : setup.hwcaps) out.push_back("glibc-hwcaps/" + name + "/");
  for (const std::string& platform : setup.platforms) {
    const std::string feature = platform == "i686" ? "sse2/" : platform + "/";
    for (const char* tls : {"tls/", ""}) {
      for (const std::string& p : {platform + "/", std::string()}) {
        for (const std::string& f : {feature, std::string()}) out.push_back(tls + p + f);
      }
    }
  }
  out.emplace_back();
  // Where two are equal the first counts; "" is to be the last.
  std::vector<std::string> unique;
  for (std::string& s : out) {
    if (!s.empty() && std::find(unique.begin(), unique.end(), s) == unique.end()) {
      unique.push_back(std::move(s));
    }
  }
  unique.emplace_back();
  return unique;
}

}  // namespace

std::vector<std::string> split_preload(std::string_view text) {
  std::vector<std::string> names;
  for (const std::string_view part : split(text, ": \t\n")) {
    if (!part.empty()) names.emplace_back(part);
  }
  return names;
}

LoaderSearch::LoaderSearch(LoaderSetup setup, LoaderEnvironment environment)
    : setup_(std::move(setup)),
      environment_(std::move(environment)),
      subdirectories_(make_subdirectories(setup_)) {
  const auto& cache = environment_.cache;
  const auto& hwcaps = setup_.hwcaps;
  // Entries for a better processor come first; those for one that this is not, never.
  const auto rank = [&](size_t i) {
    if (cache[i].hwcaps.empty()) return hwcaps.size();
    return size_t(std::find(hwcaps.begin(), hwcaps.end(), cache[i].hwcaps) - hwcaps.begin());
  };
  for (size_t i = 0; i < cache.size(); ++i) {
    if (setup_.cache_flags && cache[i].flags != *setup_.cache_flags) continue;
    if (cache[i].legacy_hwcap != 0) continue;
    if (!cache[i].hwcaps.empty() && rank(i) == hwcaps.size()) continue;
    cached_[cache[i].name].push_back(i);
  }
  for (auto& [name, list] : cached_) {
    std::stable_sort(list.begin(), list.end(),
                     [&](size_t a, size_t b) { return rank(a) < rank(b); });
  }
}

// One search.
class LoaderSearch::Walk {
 public:
  Walk(const LoaderSearch& search, const std::string& name, const LinkObject& requester,
       const LinkObject& main, const Probe& probe)
      : search_(search), name_(name), requester_(requester), main_(main), probe_(probe) {}

  bool run() {
    if (name_.find('/') != name_.npos) return named();
    return search_.setup_.musl ? musl() : glibc();
  }

 private:
  const LoaderSetup& setup() const { return search_.setup_; }
  const LoaderEnvironment& environment() const { return search_.environment_; }

  bool named() {
    const char* rule = name_.starts_with('/') ? "absolute name" : "relative name";
    const auto paths = expand(name_, requester_);
    return std::any_of(paths.begin(), paths.end(), [&](const std::string& p) {
      return probe_({p, rule});
    });
  }

  bool glibc() {
    if (requester_.runpath.empty() && rpaths()) return true;
    if (!environment().secure && environment().library_path &&
        path_list(*environment().library_path, ":;", main_, "LD_LIBRARY_PATH")) {
      return true;
    }
    if (path_list(requester_.runpath, ":", requester_, "runpath of " + requester_.path))
      return true;
    if (cache()) return true;
    for (const std::string& d : environment().conf_directories) {
      if (in_directory(d, "ld.so.conf: " + d)) return true;
    }
    if (requester_.no_default) return false;
    return std::any_of(setup().default_directories.begin(), setup().default_directories.end(),
                       [&](const std::string& d) { return in_directory(d, "default directory"); });
  }

  // DT_RPATH of the requester, of whoever loaded it, and so on; of the main program in any case.
  bool rpaths() {
    bool main_done = false;
    int budget = kMaxChain;
    for (const LinkObject* o = &requester_; o != nullptr && budget-- > 0; o = o->loader) {
      main_done = main_done || o == &main_;
      if (rpath_of(*o)) return true;
    }
    return !main_done && rpath_of(main_);
  }
  bool rpath_of(const LinkObject& o) {
    // "If both RUNPATH and RPATH are given, the latter is ignored": elf_get_dynamic_info().
    return o.runpath.empty() && path_list(o.rpath, ":", o, "rpath of " + o.path);
  }

  bool musl() {
    const auto& e = environment();
    if (!e.secure && e.library_path && path_list(*e.library_path, ":\n", main_, "LD_LIBRARY_PATH"))
      return true;
    int budget = kMaxChain;
    for (const LinkObject* o = &requester_; o != nullptr && budget-- > 0; o = o->loader) {
      // No difference is made between the two, but the newer one replaces the older.
      const bool newer = !o->runpath.empty();
      if (path_list(newer ? o->runpath : o->rpath, ":\n", *o,
                    (newer ? "runpath of " : "rpath of ") + o->path)) {
        return true;
      }
    }
    if (!e.path_file) {
      return std::any_of(
          setup().default_directories.begin(), setup().default_directories.end(),
          [&](const std::string& d) { return in_directory(d, "default directory"); });
    }
    for (const std::string_view d : split(*e.path_file, ":\n")) {
      if (d.starts_with('/') &&
          in_directory(std::string(d), "ld-musl path file: " + std::string(d)))
        return true;
    }
    return false;
  }

  bool cache() {
    const auto it = search_.cached_.find(name_);
    if (it == search_.cached_.end()) return false;
    for (const size_t i : it->second) {
      const LdCacheEntry& e = environment().cache[i];
      if (requester_.no_default && is_default(e.path)) continue;
      const bool special = !e.hwcaps.empty();
      const std::string rule =
          special ? "ld.so.cache (glibc-hwcaps/" + e.hwcaps + ")" : "ld.so.cache";
      if (probe_({e.path, rule, special})) return true;
    }
    return false;
  }

  bool path_list(const std::string& list, std::string_view separators, const LinkObject& object,
                 const std::string& rule) {
    if (list.empty()) return false;
    for (const std::string_view entry : split(list, separators)) {
      if (entry.empty() && setup().musl) continue;  // glibc: the working directory
      for (std::string& directory : expand(entry, object)) {
        while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
        if (in_directory(directory, rule + ": " + std::string(entry))) return true;
      }
    }
    return false;
  }

  bool in_directory(const std::string& directory, const std::string& rule) {
    const std::string start = directory.empty() ? "./" : directory == "/" ? "/" : directory + "/";
    return std::any_of(search_.subdirectories_.begin(), search_.subdirectories_.end(),
                       [&](const std::string& s) {
                         const std::string path = start + s + name_;
                         if (s.empty()) return probe_({path, rule});
                         return probe_({path, rule + " (" + s.substr(0, s.size() - 1) + ")", true});
                       });
  }

  bool is_default(const std::string& path) const {
    return std::any_of(setup().default_directories.begin(), setup().default_directories.end(),
                       [&](const std::string& d) {
                         return path.starts_with(d + "/") &&
                                path.find('/', d.size() + 1) == path.npos;
                       });
  }

  // `text` with its dynamic string tokens replaced: one result for each platform, if that occurs;
  // none when the entry is to be ignored.
  std::vector<std::string> expand(std::string_view text, const LinkObject& object) const {
    if (text.find('$') == text.npos) return {std::string(text)};
    std::vector<std::string> out;
    const size_t most = std::max<size_t>(setup().platforms.size(), 1);
    for (size_t i = 0; i < most; ++i) {
      static const std::string kNone;
      auto one = expand(text, object, setup().platforms.empty() ? kNone : setup().platforms[i]);
      if (one && std::find(out.begin(), out.end(), *one) == out.end()) out.push_back(*one);
    }
    return out;
  }
  std::optional<std::string> expand(std::string_view text, const LinkObject& object,
                                    const std::string& platform) const {
    std::string out;
    bool has_origin = false;
    for (size_t at = 0; at < text.size();) {
      const Token token = text[at] == '$' ? token_at(text.substr(at + 1)) : Token();
      if (token.length == 0 && text[at] == '$' && setup().musl) return std::nullopt;
      if (token.length == 0) {
        out += text[at++];
        continue;
      }
      at += 1 + token.length;
      if (token.name == "ORIGIN") {
        if (object.origin.empty()) return std::nullopt;
        has_origin = true;
        out += object.origin;
      } else {
        out += token.name == "LIB" ? setup().lib : platform;
      }
    }
    if (has_origin && environment().secure && !is_trusted(out)) return std::nullopt;
    return out;
  }
  struct Token {
    std::string_view name;
    size_t length = 0;  // without the dollar; 0: no token, the dollar stands for itself
  };
  Token token_at(std::string_view text) const {
    for (const std::string_view name : {"ORIGIN", "LIB", "PLATFORM"}) {
      if (setup().musl && name != "ORIGIN") continue;
      if (text.starts_with(name)) return {name, name.size()};
      if (text.starts_with('{') && text.substr(1).starts_with(name) &&
          text.substr(1 + name.size()).starts_with('}')) {
        return {name, name.size() + 2};
      }
    }
    return {};
  }
  // glibc: in secure mode only below the default directories; musl: never.
  bool is_trusted(const std::string& path) const {
    if (setup().musl) return false;
    const std::string clean = normal(path);
    return std::any_of(setup().default_directories.begin(), setup().default_directories.end(),
                       [&](const std::string& d) { return clean.starts_with(d + "/"); });
  }

  const LoaderSearch& search_;
  const std::string& name_;
  const LinkObject& requester_;
  const LinkObject& main_;
  const Probe& probe_;
};

bool LoaderSearch::walk(const std::string& name, const LinkObject& requester,
                        const LinkObject& main, const Probe& probe) const {
  return Walk(*this, name, requester, main, probe).run();
}

bool LoaderSearch::is_loader(const std::string& name) const {
  if (!setup_.musl) return false;
  // ldso/dynlink.c, load_library(): names that are all the one file.
  static constexpr std::array<std::string_view, 7> kReserved{"c",  "pthread", "rt",  "m",
                                                             "dl", "util",    "xnet"};
  if (name.find('/') != name.npos || !name.starts_with("lib")) return false;
  const std::string_view rest = std::string_view(name).substr(3);
  const size_t dot = rest.find('.');
  return dot != rest.npos &&
         std::find(kReserved.begin(), kReserved.end(), rest.substr(0, dot)) != kReserved.end();
}

}  // namespace fptrace
