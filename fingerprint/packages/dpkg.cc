#include "fingerprint/packages/dpkg.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace fptrace {
namespace {

constexpr const char* kDir = "/var/lib/dpkg";

// " PATH MD5 [obsolete] [remove-on-upgrade]"; a path may contain blanks.
std::string_view conffile_path(std::string_view entry) {
  for (const std::string_view flag : {" remove-on-upgrade", " obsolete"}) {
    if (entry.ends_with(flag)) entry.remove_suffix(flag.size());
  }
  const size_t end = entry.rfind(' ');
  return end == entry.npos ? std::string_view() : entry.substr(0, end);
}

void set_field(std::string_view field, std::string_view value, DpkgStatus& s) {
  if (field == "Package") s.package.name = value;
  if (field == "Version") s.package.version = value;
  // Of a package of which only the configuration files are left.
  if (field == "Config-Version" && s.package.version.empty()) s.package.version = value;
  if (field == "Architecture") s.package.arch = value;
  if (field == "Status") s.state = value.substr(value.rfind(' ') + 1);
}

bool is_number(std::string_view s) {
  return !s.empty() && s.find_first_not_of("0123456789") == s.npos;
}

// dpkg's journal of changes to the status file, complete but not yet merged into it (dpkg(1) does
// that at its next run); numbered, the later ones win.
void apply_updates(const RootDir& root, std::vector<DpkgStatus>& all, Problems& problems) {
  const std::string dir = std::string(kDir) + "/updates";
  const auto names = root.list(dir);
  if (!names) return;  // none there is
  for (const std::string& name : *names) {
    if (!is_number(name)) continue;
    const auto text = root.read(dir + "/" + name);
    auto changes = text ? parse_dpkg_status(*text) : fail(text.error());
    if (!changes) {
      problems.insert(root.shown(dir + "/" + name) + ": " + changes.error().what);
      continue;
    }
    for (DpkgStatus& change : *changes) {
      const auto same = [&](const DpkgStatus& s) {
        return s.package.name == change.package.name && s.package.arch == change.package.arch;
      };
      const auto it = std::find_if(all.begin(), all.end(), same);
      it == all.end() ? all.push_back(std::move(change)) : void(*it = std::move(change));
    }
  }
}

}  // namespace

Result<std::vector<DpkgStatus>> parse_dpkg_status(std::string_view text) {
  std::vector<DpkgStatus> out;
  DpkgStatus current;
  std::string_view field;
  std::string error;
  const auto finish = [&] {
    current.package.manager = "dpkg";
    if (!current.package.name.empty()) out.push_back(std::move(current));
    current = {};
    field = {};
  };
  for_each_line(text, [&](size_t number, std::string_view line) {
    if (trimmed(line).empty()) {
      finish();
      if (out.size() > kMostPackages) error = "dpkg status: too many packages";
      return error.empty();
    }
    if (line[0] == ' ' || line[0] == '\t') {
      const std::string_view path =
          field == "Conffiles" ? conffile_path(trimmed(line)) : std::string_view();
      if (!path.empty()) current.conffiles.emplace_back(path);
      return true;
    }
    const size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) {
      error = "dpkg status line " + std::to_string(number) + ": no field name";
      return false;
    }
    field = line.substr(0, colon);
    set_field(field, trimmed(line.substr(colon + 1)), current);
    return true;
  });
  if (!error.empty()) return fail(Errc::kParse, error);
  finish();
  return out;
}

Result<std::vector<DpkgDiversion>> parse_dpkg_diversions(std::string_view text) {
  std::vector<std::string> lines;
  for_each_line(text, [&](size_t, std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  if (lines.size() % 3 != 0) {
    return fail(Errc::kParse,
                "dpkg diversions line " + std::to_string(lines.size()) + ": cut short");
  }
  std::vector<DpkgDiversion> out;
  for (size_t i = 0; i < lines.size(); i += 3) {
    for (size_t j = i; j < i + 2; ++j) {
      if (!lines[j].starts_with('/')) {
        return fail(Errc::kParse, "dpkg diversions line " + std::to_string(j + 1) + ": not a path");
      }
    }
    out.push_back({lines[i], lines[i + 1], lines[i + 2]});
  }
  return out;
}

Result<DpkgDatabase> DpkgDatabase::read(const RootDir& root, Problems& problems) {
  DpkgDatabase db;
  const std::string dir = kDir;
  const bool status = root.exists(dir + "/status"), image = root.exists(dir + "/status.d");
  if (!status && !image) return db;
  if (status) {
    if (auto r = db.read_status(root, problems); !r) return fail(r.error());
    if (auto r = db.read_lists(root, problems); !r) return fail(r.error());
  }
  if (image) db.read_image_status(root, problems);
  db.read_diversions(root, problems);
  db.read_ucf(root, problems);
  db.aliases_ = UsrAliases::read(root);
  return db;
}

uint32_t DpkgDatabase::add_package(DpkgStatus status) {
  const auto index = uint32_t(packages_.size());
  const std::string& name = status.package.name;
  by_list_name_.emplace(name + ":" + status.package.arch, index);
  // The list of what is installed has this name, when another architecture's remains are there.
  const auto [it, added] = by_list_name_.emplace(name, index);
  if (!added && status.state == "installed") it->second = index;
  for (std::string& path : status.conffiles) {
    conffiles_.add(conffiles_.keep(std::move(path)), index);
  }
  packages_.push_back(std::move(status.package));
  return index;
}

Result<void> DpkgDatabase::read_status(const RootDir& root, Problems& problems) {
  const std::string path = std::string(kDir) + "/status";
  const auto text = root.read(path);
  if (!text) return fail(text.error());
  auto all = parse_dpkg_status(*text);
  if (!all) return fail(Errc::kParse, root.shown(path) + ": " + all.error().what);
  apply_updates(root, *all, problems);
  for (DpkgStatus& s : *all) {
    if (s.state == "not-installed") continue;
    if (s.package.name == "dpkg") native_arch_ = s.package.arch;
    add_package(std::move(s));
  }
  return {};
}

Result<void> DpkgDatabase::read_lists(const RootDir& root, Problems& problems) {
  const std::string dir = std::string(kDir) + "/info/";
  const auto names = root.list(dir);
  if (!names) return fail(names.error());
  size_t paths = 0;
  for (const std::string& name : *names) {
    if (!name.ends_with(".list")) continue;
    const auto it = by_list_name_.find(name.substr(0, name.size() - 5));
    if (it == by_list_name_.end()) continue;
    auto text = root.read(dir + name);
    if (!text) {
      problems.insert(text.error().what);
      continue;
    }
    for_each_line(files_.keep(std::move(*text)), [&](size_t, std::string_view line) {
      if (line.size() > 1 && line[0] == '/') files_.add(line, it->second);
      return ++paths <= kMostPaths;
    });
    if (paths > kMostPaths)
      return fail(Errc::kParse, root.shown(dir) + ": lists of too many files");
  }
  return {};
}

// Images that were made without dpkg ("distroless") have one file a package, and beside it the list
// of its files as md5sum(1) writes it: "HASH  usr/bin/x".
void DpkgDatabase::read_image_status(const RootDir& root, Problems& problems) {
  const std::string dir = std::string(kDir) + "/status.d/";
  const auto names = root.list(dir);
  if (!names) return void(problems.insert(names.error().what));
  for (const std::string& name : *names) {
    if (name.ends_with(".md5sums")) continue;
    const auto text = root.read(dir + name);
    auto stanzas = text ? parse_dpkg_status(*text) : fail(text.error());
    if (!stanzas) {
      problems.insert(root.shown(dir + name) + ": " + stanzas.error().what);
      continue;
    }
    if (stanzas->empty()) continue;
    const uint32_t package = add_package(std::move(stanzas->front()));
    const auto sums = root.read(dir + name + ".md5sums");
    if (!sums) continue;  // older images have none
    for_each_line(*sums, [&](size_t, std::string_view line) {
      const size_t gap = line.find("  ");
      if (gap == line.npos) return true;
      files_.add(files_.keep(normalized("/", line.substr(gap + 2))), package);
      return true;
    });
  }
}

void DpkgDatabase::read_diversions(const RootDir& root, Problems& problems) {
  const std::string path = std::string(kDir) + "/diversions";
  if (!root.exists(path)) return;
  const auto text = root.read(path);
  auto diversions = text ? parse_dpkg_diversions(*text) : fail(text.error());
  if (diversions) {
    diversions_ = std::move(*diversions);
  } else {
    problems.insert(root.shown(path) + ": " + diversions.error().what);
  }
}

// Configuration files that a package's script makes through ucf(1): "PACKAGE \t PATH".
void DpkgDatabase::read_ucf(const RootDir& root, Problems& problems) {
  const std::string path = "/var/lib/ucf/registry";
  if (!root.exists(path)) return;
  const auto text = root.read(path);
  if (!text) return void(problems.insert(text.error().what));
  for_each_line(*text, [&](size_t, std::string_view line) {
    const size_t tab = std::min(line.find('\t'), line.size());
    const auto it = by_list_name_.find(std::string(trimmed(line.substr(0, tab))));
    const std::string_view file = trimmed(line.substr(tab));
    if (it == by_list_name_.end() || !file.starts_with('/')) return true;
    conffiles_.add(conffiles_.keep(std::string(file)), it->second);
    return true;
  });
}

// Where a diversion takes `from` away, only the diverting package's own file is there.
void DpkgDatabase::drop_diverted(const std::vector<std::string>& names,
                                 std::vector<uint32_t>& found) const {
  for (const DpkgDiversion& d : diversions_) {
    if (std::find(names.begin(), names.end(), d.from) == names.end()) continue;
    std::erase_if(found, [&](uint32_t p) { return packages_[p].name != d.by; });
  }
}

// At `to` is what the others ship under the other name.
void DpkgDatabase::add_diverted(const PathTable& table, const std::vector<std::string>& names,
                                std::vector<uint32_t>& found) const {
  for (const DpkgDiversion& d : diversions_) {
    if (std::find(names.begin(), names.end(), d.to) == names.end()) continue;
    for (const std::string& from : aliases_.spellings(d.from)) {
      table.each(from, [&](uint32_t p) {
        if (packages_[p].name != d.by) found.push_back(p);
      });
    }
  }
}

std::vector<uint32_t> DpkgDatabase::lookup(const PathTable& table, const std::string& path) const {
  const std::vector<std::string> names = aliases_.spellings(path);
  std::vector<uint32_t> found;
  for (const std::string& name : names) table.each(name, [&](uint32_t p) { found.push_back(p); });
  drop_diverted(names, found);
  add_diverted(table, names, found);
  return found;
}

Ownership DpkgDatabase::find(const std::string& path) {
  if (empty() || !path.starts_with('/')) return {};
  std::vector<uint32_t> found = lookup(files_, path);
  const std::vector<uint32_t> conf = lookup(conffiles_, path);
  // An obsolete conffile is in no list any more, but still its package's.
  if (found.empty()) found = conf;
  const auto key = [&](uint32_t p) {
    return std::make_tuple(packages_[p].arch != native_arch_, std::cref(packages_[p]));
  };
  std::sort(found.begin(), found.end(), [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  Ownership out;
  for (const uint32_t p : found) {
    out.packages.push_back(packages_[p]);
    out.config |= std::find(conf.begin(), conf.end(), p) != conf.end();
  }
  return out;
}

}  // namespace fptrace
