#include "fingerprint/diff.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/base/text.h"
#include "fingerprint/debian_version.h"

namespace fptrace {
namespace {

using Strings = std::vector<std::string>;

// Collects the fields in which two things of the same name differ.
class Fields {
 public:
  void text(const char* field, const std::string& a, const std::string& b) {
    if (a != b) list_.push_back({field, one(a), one(b)});
  }
  template <class T, class Format>
  void optional(const char* field, const std::optional<T>& a, const std::optional<T>& b, Format f) {
    if (a != b) text(field, a ? f(*a) : "", b ? f(*b) : "");
  }
  void set(const char* field, const Strings& a, const Strings& b) {
    FieldDiff d{field, {}, {}};
    const std::set<std::string> x(a.begin(), a.end()), y(b.begin(), b.end());
    std::ranges::set_difference(x, y, std::back_inserter(d.from));
    std::ranges::set_difference(y, x, std::back_inserter(d.to));
    if (!d.from.empty() || !d.to.empty()) list_.push_back(std::move(d));
  }
  // Where the order matters.
  void sequence(const char* field, const Strings& a, const Strings& b) {
    if (a != b) list_.push_back({field, a, b});
  }
  std::vector<FieldDiff> take() { return std::move(list_); }

 private:
  static Strings one(const std::string& s) { return s.empty() ? Strings{} : Strings{s}; }
  std::vector<FieldDiff> list_;
};

std::string octal(uint32_t mode) {
  std::string s;
  for (int shift = 9; shift >= 0; shift -= 3) s += char('0' + ((mode >> shift) & 7));
  return s;
}
std::string decimal(uint64_t n) { return std::to_string(n); }

std::string package_name(const Package& p) {
  return (p.manager == "dpkg" ? "" : p.manager + " ") + p.name +
         (p.arch.empty() ? "" : ":" + p.arch);
}
std::string package_text(const Package& p) { return package_name(p) + " " + p.version; }

Strings package_texts(const std::vector<Package>& packages) {
  Strings out;
  for (const Package& p : packages) out.push_back(package_text(p));
  return out;
}

Strings role_names(RoleSet roles) {
  Strings out;
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (roles.has(Role(i))) out.emplace_back(kRoleNames[i]);
  }
  return out;
}

std::string exit_text(const ExitStatus& e) {
  return e.signal != 0 ? "signal " + std::to_string(e.signal) : "code " + std::to_string(e.code);
}

void compare_elf(const ElfInfo& a, const ElfInfo& b, Fields& out) {
  out.text("elf.soname", a.soname, b.soname);
  out.text("elf.interpreter", a.interpreter, b.interpreter);
  out.sequence("elf.needed", a.needed, b.needed);
  out.text("elf.build_id", a.build_id, b.build_id);
  out.set("elf.requires", a.requires_, b.requires_);
  out.set("elf.provides", a.provides, b.provides);
}

std::vector<FieldDiff> compare(const ManifestFile& a, const ManifestFile& b) {
  Fields out;
  out.text("type", std::string(to_string(a.type)), std::string(to_string(b.type)));
  out.set("as_used", a.as_used, b.as_used);
  out.set("links", a.links, b.links);
  out.set("roles", role_names(a.roles), role_names(b.roles));
  out.text("linkage", std::string(to_string(a.linkage)), std::string(to_string(b.linkage)));
  out.text("found_by", a.found_by, b.found_by);
  out.optional("size", a.size, b.size, decimal);
  out.optional("mode", a.mode, b.mode, octal);
  out.optional("sha256", a.sha256, b.sha256, to_hex);
  out.text("target", a.target, b.target);
  out.text("peer", a.peer, b.peer);
  out.optional("package", a.package, b.package, package_text);
  out.set("other_packages", package_texts(a.other_packages), package_texts(b.other_packages));
  out.text("config", a.config ? "true" : "false", b.config ? "true" : "false");
  out.text("elf", a.elf ? "yes" : "no", b.elf ? "yes" : "no");
  if (a.elf && b.elf) compare_elf(*a.elf, *b.elf, out);
  out.set("opened_by", a.opened_by, b.opened_by);
  out.set("openers", a.openers, b.openers);
  return out.take();
}

std::vector<FieldDiff> compare(const MissingFile& a, const MissingFile& b) {
  Fields out;
  out.text("errno", a.error, b.error);
  return out.take();
}

std::vector<FieldDiff> compare(const OutputFile& a, const OutputFile& b) {
  Fields out;
  out.text("type", std::string(to_string(a.type)), std::string(to_string(b.type)));
  out.optional("sha256", a.sha256, b.sha256, to_hex);
  out.optional("size", a.size, b.size, decimal);
  out.text("target", a.target, b.target);
  return out.take();
}

std::vector<FieldDiff> compare(const std::string& a, const std::string& b) {
  Fields out;
  out.text("value", a, b);
  return out.take();
}

// Two maps from names to things: what only one has, and what is not the same in both.
template <class Map>
std::vector<DiffEntry> compare_maps(const Map& a, const Map& b) {
  std::vector<DiffEntry> out;
  auto x = a.begin();
  auto y = b.begin();
  const auto name = [](const auto& key) {
    if constexpr (std::is_convertible_v<decltype(key), std::string>) {
      return std::string(key);
    } else {
      return key.first + (key.second.empty() ? "" : " (" + key.second + ")");
    }
  };
  while (x != a.end() || y != b.end()) {
    if (y == b.end() || (x != a.end() && x->first < y->first)) {
      out.push_back({DiffKind::kRemoved, name((x++)->first), {}});
    } else if (x == a.end() || y->first < x->first) {
      out.push_back({DiffKind::kAdded, name((y++)->first), {}});
    } else {
      auto fields = compare(x->second, y->second);
      if (!fields.empty()) out.push_back({DiffKind::kChanged, name(x->first), std::move(fields)});
      ++x, ++y;
    }
  }
  return out;
}

std::map<std::pair<std::string, std::string>, ManifestFile> by_path(
    const std::vector<ManifestFile>& files) {
  std::map<std::pair<std::string, std::string>, ManifestFile> out;
  for (const ManifestFile& f : files) out.emplace(std::pair(f.path, f.source), f);
  return out;
}
template <class T>
std::map<std::string, T> by_path(const std::vector<T>& list) {
  std::map<std::string, T> out;
  for (const T& x : list) out.emplace(x.path, x);
  return out;
}

// Versions in which a package is there, each with its number of files. Usually one.
using Versions = std::map<std::string, uint64_t>;
std::map<Package, Versions> packages_of(const Manifest& m) {
  std::map<Package, Versions> out;
  for (const PackageUse& u : m.packages) {
    Package without = u.package;
    without.version.clear();
    out[without][u.package.version] += u.files;
  }
  return out;
}

DiffKind direction(const std::string& manager, const std::string& from, const std::string& to) {
  if (manager != "dpkg") return DiffKind::kChanged;
  const auto order = compare_debian_versions(from, to);
  return order < 0 ? DiffKind::kUpgraded : order > 0 ? DiffKind::kDowngraded : DiffKind::kChanged;
}

void compare_package(const Package& p, const Versions& a, const Versions& b,
                     std::vector<DiffEntry>& out) {
  if (a == b) return;
  if (a.size() == 1 && b.size() == 1) {
    const auto& [from, from_files] = *a.begin();
    const auto& [to, to_files] = *b.begin();
    Fields fields;
    fields.text("version", from, to);
    fields.text("files", decimal(from_files), decimal(to_files));
    const DiffKind kind = from == to ? DiffKind::kChanged : direction(p.manager, from, to);
    out.push_back({kind, package_name(p), fields.take()});
    return;
  }
  for (const auto& [version, files] : a) {
    if (!b.contains(version)) {
      out.push_back({DiffKind::kRemoved, package_name(p) + " " + version, {}});
    }
  }
  for (const auto& [version, files] : b) {
    const auto it = a.find(version);
    if (it != a.end() && it->second == files) continue;
    DiffEntry entry{DiffKind::kAdded, package_name(p) + " " + version, {}};
    if (it != a.end()) {
      entry.kind = DiffKind::kChanged;
      entry.fields = {{"files", {decimal(it->second)}, {decimal(files)}}};
    }
    out.push_back(std::move(entry));
  }
}

std::vector<DiffEntry> compare_packages(const Manifest& a, const Manifest& b) {
  std::map<Package, std::pair<Versions, Versions>> both;
  for (auto& [p, versions] : packages_of(a)) both[p].first = versions;
  for (auto& [p, versions] : packages_of(b)) both[p].second = versions;
  std::vector<DiffEntry> out;
  for (const auto& [p, versions] : both) compare_package(p, versions.first, versions.second, out);
  return out;
}

using Requirers = std::map<std::string, Strings>;  // symbol version -> objects
Requirers required_symbols(const Manifest& m) {
  Requirers out;
  for (const ManifestFile& f : m.files) {
    if (!f.elf) continue;
    for (const std::string& r : f.elf->requires_) out[r].push_back(f.path);
  }
  return out;
}

// Only whether a version is required at all: which object does is a matter of the files.
std::vector<DiffEntry> compare_symbols(const Manifest& a, const Manifest& b) {
  const Requirers x = required_symbols(a), y = required_symbols(b);
  std::vector<DiffEntry> out;
  for (const auto& [symbol, by] : x) {
    if (!y.contains(symbol)) out.push_back({DiffKind::kRemoved, symbol, {{"by", by, {}}}});
  }
  for (const auto& [symbol, by] : y) {
    if (!x.contains(symbol)) out.push_back({DiffKind::kAdded, symbol, {{"by", {}, by}}});
  }
  std::ranges::sort(out, {}, [](const DiffEntry& e) { return std::tie(e.name, e.kind); });
  return out;
}

void add_changed(std::vector<DiffEntry>& out, const char* name, Fields fields) {
  if (auto list = fields.take(); !list.empty()) {
    out.push_back({DiffKind::kChanged, name, std::move(list)});
  }
}

std::vector<DiffEntry> compare_runs(const Manifest& a, const Manifest& b) {
  std::vector<DiffEntry> out;
  Fields command, host, backend;
  command.sequence("argv", a.argv, b.argv);
  command.text("cwd", a.cwd, b.cwd);
  command.optional("exit", a.exit, b.exit, exit_text);
  host.text("os", a.os, b.os);
  host.text("kernel", a.kernel, b.kernel);
  host.text("machine", a.machine, b.machine);
  backend.text("name", a.backend, b.backend);
  add_changed(out, "command", std::move(command));
  add_changed(out, "host", std::move(host));
  add_changed(out, "backend", std::move(backend));
  return out;
}

std::vector<DiffEntry> compare_environments(const Manifest& a, const Manifest& b) {
  auto out = compare_maps(a.environment_set, b.environment_set);
  Fields read;
  read.set("variables", a.environment_read, b.environment_read);
  if (auto list = read.take(); !list.empty()) {
    out.push_back({DiffKind::kChanged, "(read)", std::move(list)});
  }
  return out;
}

std::vector<DiffEntry> compare_coverage(const Manifest& a, const Manifest& b) {
  std::vector<DiffEntry> out;
  Fields complete;
  complete.text("complete", a.complete ? "true" : "false", b.complete ? "true" : "false");
  add_changed(out, "coverage", std::move(complete));
  std::map<std::string, std::string> x, y;
  for (const Undecoded& u : a.undecoded) x[u.what] = decimal(u.count);
  for (const Undecoded& u : b.undecoded) y[u.what] = decimal(u.count);
  for (DiffEntry& e : compare_maps(x, y)) out.push_back(std::move(e));
  return out;
}

}  // namespace

std::array<ManifestDiff::Section, 8> ManifestDiff::sections() const {
  return {{{"run", &run},
           {"packages", &packages},
           {"files", &files},
           {"symbols", &symbols},
           {"missing", &missing},
           {"outputs", &outputs},
           {"environment", &environment},
           {"coverage", &coverage}}};
}

ManifestDiff diff(const Manifest& a, const Manifest& b) {
  ManifestDiff d;
  d.run = compare_runs(a, b);
  d.files = compare_maps(by_path(a.files), by_path(b.files));
  d.missing = compare_maps(by_path(a.missing), by_path(b.missing));
  d.outputs = compare_maps(by_path(a.outputs), by_path(b.outputs));
  d.packages = compare_packages(a, b);
  d.symbols = compare_symbols(a, b);
  d.environment = compare_environments(a, b);
  d.coverage = compare_coverage(a, b);
  return d;
}

}  // namespace fptrace
