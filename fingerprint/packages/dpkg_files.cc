#include "fingerprint/packages/dpkg_files.h"

#include <unordered_map>

#include "fingerprint/packages/path_table.h"

namespace fptrace {
namespace {

constexpr std::string_view kDir = "/var/lib/dpkg/";
// Nothing runs with these.
constexpr std::string_view kDocumentation[] = {"/usr/share/doc/", "/usr/share/man/",
                                               "/usr/share/info/", "/usr/share/lintian/"};

// "libc6 (>= 2.34), perl:any | perl5" -> libc6, perl, perl5 (Debian Policy, 7.1).
void add_names(std::string_view field, std::vector<std::string>& names) {
  while (!field.empty()) {
    const size_t end = std::min(field.find_first_of(",|"), field.size());
    const std::string_view one = trimmed(field.substr(0, end));
    const std::string_view name = one.substr(0, one.find_first_of(" (:"));
    if (!name.empty()) names.emplace_back(name);
    field.remove_prefix(std::min(end + 1, field.size()));
  }
}

bool is_documentation(std::string_view path) {
  for (const std::string_view directory : kDocumentation)
    if (path.starts_with(directory)) return true;
  return false;
}

// Names of packages, and of what they provide, with those that bear them.
using Bearers = std::multimap<std::string, const DpkgTies*, std::less<>>;

std::set<const DpkgTies*> with_dependencies(const Bearers& bearers,
                                            const std::set<std::string>& packages,
                                            bool recommended) {
  constexpr unsigned kMostSteps = 1;  // from one of the packages to who may recommend something
  std::set<const DpkgTies*> found;
  std::vector<std::string> todo(packages.begin(), packages.end());
  for (unsigned steps = 0; !todo.empty(); ++steps) {
    std::vector<std::string> next;
    for (const std::string& name : todo) {
      const auto [begin, end] = bearers.equal_range(name);
      for (auto it = begin; it != end; ++it) {
        const DpkgTies& one = *it->second;
        if (!found.insert(&one).second) continue;
        next.insert(next.end(), one.depends.begin(), one.depends.end());
        if (recommended && steps <= kMostSteps)
          next.insert(next.end(), one.recommends.begin(), one.recommends.end());
      }
    }
    todo = std::move(next);
  }
  return found;
}

// call(file name of the list, path) for all that is installed.
template <class Call>
void for_each_listed(const RootDir& root, const Call& call) {
  const std::string info = std::string(kDir) + "info";
  const auto lists = root.list(info);
  if (!lists) return;
  for (const std::string& name : *lists) {
    const auto list =
        name.ends_with(".list") ? root.read(info + "/" + name) : Result<std::string>();
    if (!list) continue;
    for_each_line(*list, [&](size_t, std::string_view path) {
      call(name, path);
      return true;
    });
  }
}

}  // namespace

std::vector<DpkgTies> parse_dpkg_ties(std::string_view status) {
  std::vector<DpkgTies> out;
  DpkgTies current;
  bool installed = false;
  const auto finish = [&] {
    if (installed && !current.name.empty()) out.push_back(std::move(current));
    current = {};
    installed = false;
  };
  for_each_line(status, [&](size_t, std::string_view line) {
    if (trimmed(line).empty()) {
      finish();
      return out.size() < kMostPackages;
    }
    const size_t colon = std::min(line.find(':'), line.size());
    const std::string_view field = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(std::min(colon + 1, line.size())));
    if (field == "Package") current.name = value;
    if (field == "Architecture") current.arch = value;
    if (field == "Status") installed = value.ends_with(" installed");
    if (field == "Depends" || field == "Pre-Depends") add_names(value, current.depends);
    if (field == "Recommends") add_names(value, current.recommends);
    if (field == "Provides") add_names(value, current.provides);
    return true;
  });
  finish();
  return out;
}

std::vector<std::string> dpkg_files_with_dependencies(const RootDir& root,
                                                      const std::set<std::string>& packages,
                                                      bool recommended) {
  const auto status = root.read(std::string(kDir) + "status");
  if (!status || packages.empty()) return {};
  const auto ties = parse_dpkg_ties(*status);
  Bearers bearers;
  for (const DpkgTies& one : ties) {
    bearers.emplace(one.name, &one);
    for (const std::string& name : one.provides) bearers.emplace(name, &one);
  }
  std::vector<std::string> files;
  for (const DpkgTies* one : with_dependencies(bearers, packages, recommended)) {
    // Of a package that can be installed for several architectures, the name has that, too.
    const std::string info = std::string(kDir) + "info/" + one->name;
    auto list = root.read(info + ":" + one->arch + ".list");
    if (!list) list = root.read(info + ".list");
    if (!list) continue;
    for_each_line(*list, [&](size_t, std::string_view path) {
      if (path.size() > 1 && path[0] == '/' && path != "/." && !is_documentation(path))
        files.emplace_back(path);
      return files.size() < kMostPaths;
    });
  }
  return files;
}

std::map<std::string, std::set<std::string>> dpkg_packages_of(const RootDir& root,
                                                              const std::set<std::string>& paths) {
  constexpr std::string_view kMerged = "/usr", kList = ".list";
  std::unordered_map<std::string_view, const std::string*> names;
  for (const std::string& path : paths) {
    names.emplace(path, &path);
    if (path.starts_with("/usr/"))
      names.emplace(std::string_view(path).substr(kMerged.size()), &path);
  }
  std::map<std::string, std::set<std::string>> found;
  for_each_listed(root, [&](std::string_view list, std::string_view path) {
    const auto it = names.find(path);
    if (it == names.end()) return;
    list.remove_suffix(kList.size());
    found[*it->second].emplace(list.substr(0, list.find(':')));
  });
  return found;
}

std::vector<std::string> dpkg_private_directories(const RootDir& root,
                                                  const std::vector<std::string>& directories,
                                                  size_t most_packages) {
  std::map<std::string, size_t> packages;
  std::unordered_map<std::string_view, size_t*> counts;
  for (const std::string& directory : directories)
    counts.emplace(directory, &packages.emplace(directory, 0).first->second);
  for_each_listed(root, [&](std::string_view, std::string_view path) {
    if (const auto it = counts.find(path); it != counts.end()) ++*it->second;
  });
  std::vector<std::string> found;
  for (const auto& [directory, count] : packages)
    if (count <= most_packages) found.push_back(directory);
  return found;
}

}  // namespace fptrace
