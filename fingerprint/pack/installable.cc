#include "fingerprint/pack/installable.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "fingerprint/pack/dir_walk.h"
#include "fingerprint/pack/globs.h"
#include "fingerprint/packages/dpkg.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace::pack {
namespace {

// By maintainer scripts and triggers of Debian's packages, or by the installation of the system.
constexpr std::array<std::string_view, 27> kMade{"/etc/alternatives",
                                                 "/etc/group*",
                                                 "/etc/host.conf",
                                                 "/etc/hostname",
                                                 "/etc/hosts",
                                                 "/etc/ld.so.cache",
                                                 "/etc/localtime",
                                                 "/etc/machine-id",
                                                 "/etc/mtab",
                                                 "/etc/networks",
                                                 "/etc/nsswitch.conf",
                                                 "/etc/passwd*",
                                                 "/etc/resolv.conf",
                                                 "/etc/ssl/certs",
                                                 "/etc/timezone",
                                                 "/run",
                                                 "/usr/**/__pycache__",
                                                 "/usr/lib/**/gconv-modules.cache",
                                                 "/usr/lib/**/immodules.cache",
                                                 "/usr/lib/**/loaders.cache",
                                                 "/usr/lib/locale/locale-archive",
                                                 "/usr/share/**/icon-theme.cache",
                                                 "/usr/share/**/mimeinfo.cache",
                                                 "/usr/share/glib-2.0/schemas/gschemas.compiled",
                                                 "/usr/share/mime",
                                                 "/var/cache",
                                                 "/var/lib"};

bool of_dpkg(const Package& p) { return p.manager == "dpkg"; }

std::vector<Package> packages_of(const Manifest& m) {
  std::set<Package> out;
  for (const ManifestFile& f : m.files) {
    const bool read = f.roles != RoleSet{Role::kMetadata};
    if (read && f.package && of_dpkg(*f.package)) out.insert(*f.package);
  }
  return {out.begin(), out.end()};
}

class Carrier {
 public:
  Carrier(const Plan& plan, DpkgDatabase dpkg, bool with_config)
      : plan_(plan), dpkg_(std::move(dpkg)), with_config_(with_config) {
    for (const PackEntry& e : plan_.entries) by_path_[e.path] = &e;
  }

  std::vector<PackEntry> carried(const std::string& cwd) {
    if (const auto it = by_path_.find(cwd); it != by_path_.end()) take(*it->second);
    for (const PackEntry& e : plan_.entries)
      if (is_wanted(e)) take(e);
    std::vector<PackEntry> out;
    for (const auto& [path, entry] : taken_) out.push_back(entry);
    unlink_lost(out);
    return out;
  }
  uint64_t made() const { return made_; }

 private:
  bool is_wanted(const PackEntry& e) {
    if (e.type == FileType::kDirectory || e.content == PackEntry::Content::kHole) return false;
    if (e.package && of_dpkg(*e.package)) return with_config_ && e.config;
    if (e.type == FileType::kSymlink && !e.seen) return false;
    if (!dpkg_.find(e.path).packages.empty()) return false;
    const bool alternative = e.type == FileType::kSymlink && is_made_by_packages(e.target);
    if (!alternative && !is_made_by_packages(e.path)) return true;
    ++made_;
    return false;
  }
  void take(const PackEntry& e) {
    if (!taken_.emplace(e.path, e).second || e.path == "/") return;
    if (const auto it = by_path_.find(parent_path(e.path)); it != by_path_.end()) take(*it->second);
  }
  // A hard link to a file that is not carried becomes a file of its own.
  void unlink_lost(std::vector<PackEntry>& entries) {
    std::map<std::string, std::string> now;
    for (PackEntry& e : entries) {
      if (e.hard_link.empty() || taken_.contains(e.hard_link)) continue;
      const auto [it, is_first] = now.try_emplace(e.hard_link, e.path);
      e.hard_link = is_first ? "" : it->second;
    }
  }

  const Plan& plan_;
  DpkgDatabase dpkg_;
  bool with_config_;
  std::map<std::string, const PackEntry*> by_path_;
  std::map<std::string, PackEntry> taken_;
  uint64_t made_ = 0;
};

}  // namespace

bool is_made_by_packages(const std::string& path) {
  return std::ranges::any_of(kMade, [&](std::string_view p) { return glob_matches(p, path); });
}

std::string debian_arch(const std::string& machine) {
  static const std::map<std::string, const char*> kArchs{
      {"x86_64", "amd64"},        {"i386", "i386"},       {"i486", "i386"},
      {"i586", "i386"},           {"i686", "i386"},       {"aarch64", "arm64"},
      {"armv7l", "armhf"},        {"riscv64", "riscv64"}, {"ppc64le", "ppc64el"},
      {"loongarch64", "loong64"}, {"s390x", "s390x"}};
  const auto it = kArchs.find(machine);
  return it == kArchs.end() ? "" : it->second;
}

Result<Installable> installable(const Manifest& manifest, const Plan& plan, const std::string& root,
                                bool with_config, std::vector<Note>& notes) {
  Problems problems;
  auto dpkg = DpkgDatabase::read(RootDir(root), problems);
  if (!dpkg) return fail(dpkg.error());
  for (const std::string& problem : problems) notes.push_back({"", problem});
  Installable out;
  out.packages = packages_of(manifest);
  out.arch = debian_arch(manifest.machine);
  Carrier carrier(plan, *std::move(dpkg), with_config);
  out.carried = carrier.carried(manifest.cwd);
  if (carrier.made() > 0)
    notes.push_back(
        {"", std::to_string(carrier.made()) +
                 " files are left to the packages whose installation makes them (caches, "
                 "accounts, alternatives)"});
  return out;
}

}  // namespace fptrace::pack
