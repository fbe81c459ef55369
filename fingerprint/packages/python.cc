#include "fingerprint/packages/python.h"

#include <array>

#include "fingerprint/packages/ancestors.h"

namespace fptrace {
namespace {

// A directory with more entries is somebody's data. Those that Python looks into by itself are
// read whatever their size.
constexpr size_t kMostEntries = 20'000, kMostSiteEntries = 1'000'000;

bool is_site_name(const std::string& name) {
  return name == "site-packages" || name == "dist-packages";
}

// "NAME-VERSION.dist-info", "NAME-VERSION-py3.11.egg-info"
Result<Package> identity_from_name(const std::string& info) {
  const std::string stem = info.substr(0, info.rfind('.'));
  const size_t dash = stem.find('-');
  if (dash == stem.npos || dash == 0) return fail(Errc::kParse, "no name and version");
  const std::string rest = stem.substr(dash + 1);
  return Package{"pypi", stem.substr(0, dash), rest.substr(0, rest.find("-py")), ""};
}

}  // namespace

Result<std::vector<std::string>> parse_python_record(std::string_view text) {
  std::vector<std::string> out;
  size_t at = 0;
  while (at < text.size()) {
    std::string path;
    if (text[at] == '"') {
      for (++at;; ++at) {
        if (at == text.size()) return fail(Errc::kParse, "a quote is not closed");
        if (text[at] == '"' && (++at == text.size() || text[at] != '"')) break;
        path += text[at];
      }
    } else {
      const size_t end = std::min(text.find_first_of(",\r\n", at), text.size());
      path = text.substr(at, end - at);
    }
    if (!path.empty()) out.push_back(std::move(path));
    if (out.size() > kMostPaths) return fail(Errc::kParse, "too many files");
    at = std::min(text.find('\n', at), text.size() - 1) + 1;  // hash and size need no quotes
  }
  return out;
}

Result<Package> parse_python_metadata(std::string_view text) {
  Package p{"pypi", "", "", ""};
  for_each_line(text, [&](size_t, std::string_view line) {
    if (trimmed(line).empty()) return false;  // the description follows
    if (line.starts_with("Name:") && p.name.empty()) p.name = trimmed(line.substr(5));
    if (line.starts_with("Version:") && p.version.empty()) p.version = trimmed(line.substr(8));
    return p.name.empty() || p.version.empty();
  });
  if (p.name.empty()) return fail(Errc::kParse, "no name");
  return p;
}

Result<Package> PythonPackages::read_identity(const std::string& info) const {
  for (const char* name : {"/METADATA", "/PKG-INFO", ""}) {  // the last: one of distutils' files
    const auto text = root_.read(info + name);
    if (!text) continue;
    if (auto p = parse_python_metadata(*text)) return p;
  }
  return identity_from_name(base_name(info));
}

// `list` is a file that names files, relative to `base`.
void PythonPackages::add_files(const std::string& base, const std::string& list, uint32_t package,
                               Site& site) {
  const auto text = root_.read(list);
  // All of these are simple lists but RECORD, which a simple list is a case of.
  auto paths = text ? parse_python_record(*text) : fail(text.error());
  if (!paths) return void(problems_.insert(root_.shown(list) + ": " + paths.error().what));
  for (const std::string& path : *paths) {
    site.files.add(site.files.keep(normalized(base, path)), package);
  }
}

void PythonPackages::add_distribution(const std::string& dir, const std::string& name, Site& site) {
  const std::string info = dir + "/" + name;
  auto identity = read_identity(info);
  if (!identity) return void(problems_.insert(root_.shown(info) + ": " + identity.error().what));
  const auto package = uint32_t(site.packages.size());
  site.packages.push_back(std::move(*identity));
  site.metadata.emplace(info, package);
  if (root_.exists(info + "/RECORD")) {
    add_files(dir, info + "/RECORD", package, site);
  } else if (root_.exists(info + "/installed-files.txt")) {
    add_files(info, info + "/installed-files.txt", package, site);
  } else if (root_.exists(info + "/SOURCES.txt")) {
    add_files(dir, info + "/SOURCES.txt", package, site);
  }
}

const PythonPackages::Site& PythonPackages::site(const std::string& dir) {
  const auto [it, is_new] = sites_.try_emplace(dir);
  if (!is_new) return it->second;
  const bool certain = is_site_name(base_name(dir));
  const auto names = root_.list(dir, certain ? kMostSiteEntries : kMostEntries);
  if (!names) {
    if (certain) problems_.insert(names.error().what);
    return it->second;
  }
  for (const std::string& name : *names) {
    if (name.ends_with(".dist-info") || name.ends_with(".egg-info")) {
      add_distribution(dir, name, it->second);
    }
  }
  return it->second;
}

const std::vector<std::string>& PythonPackages::sites_of_prefix(const std::string& dir) {
  const auto [it, is_new] = prefixes_.try_emplace(dir);
  if (!is_new) return it->second;
  for (const char* lib : {"/lib", "/lib64"}) {
    // A link would lead to a directory that is looked at by its own name.
    if (!root_.is_directory(dir + lib)) continue;
    const auto names = root_.list(dir + lib, kMostEntries);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (!name.starts_with("python")) continue;
      for (const char* packages : {"/site-packages", "/dist-packages"}) {
        const std::string path = dir + lib + "/" + name + packages;
        if (root_.is_directory(path)) it->second.push_back(path);
      }
    }
  }
  return it->second;
}

bool PythonPackages::find_in(const Site& site, const std::string& path, Ownership& out) const {
  site.files.each(path, [&](uint32_t p) { out.packages.push_back(site.packages[p]); });
  if (!out.packages.empty() || site.metadata.empty()) return !out.packages.empty();
  const auto try_metadata = [&](const std::string& info) {
    const auto it = site.metadata.find(info);
    if (it != site.metadata.end()) out.packages.push_back(site.packages[it->second]);
    return it != site.metadata.end();
  };
  if (!try_metadata(path)) for_each_ancestor(path, try_metadata);
  return !out.packages.empty();
}

// An unpacked egg is one package, whatever is in it.
bool PythonPackages::find_in_egg(const std::string& dir, Ownership& out) {
  if (!dir.ends_with(".egg")) return false;
  const auto text = root_.read(dir + "/EGG-INFO/PKG-INFO");
  auto package = text ? parse_python_metadata(*text) : fail(text.error());
  if (package) out.packages.push_back(std::move(*package));
  return bool(package);
}

Ownership PythonPackages::find(const std::string& path) {
  Ownership out;
  for_each_ancestor(path, [&](const std::string& dir) {
    if (find_in_egg(dir, out) || find_in(site(dir), path, out)) return true;
    for (const std::string& s : sites_of_prefix(dir)) {
      if (find_in(site(s), path, out)) return true;
    }
    return false;
  });
  return out;
}

}  // namespace fptrace
