#include "fingerprint/verify.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "common/analysis/pseudo_path.h"
#include "common/base/text.h"
#include "fingerprint/packages/dpkg.h"

namespace fptrace {
namespace {

// Says where this system's libraries are, which is what --abi lets differ. It may even be missing.
constexpr std::string_view kLoaderCache = "/etc/ld.so.cache";

bool is_run(const ManifestFile& file) {
  // The loader too: the kernel opens it as it opens a program (load_elf_binary).
  return file.roles.has(Role::kExecutable) || file.roles.has(Role::kScript) ||
         file.roles.has(Role::kInterpreter) || file.linkage == Linkage::kInterp;
}

// Which of the permissions that the file had its use depends on.
uint32_t needed_mode(const ManifestFile& file) {
  uint32_t mask = 0;
  if (is_run(file)) mask |= 0111;
  if (file.type == FileType::kDirectory) mask |= 0111;
  const bool read = file.roles.has(Role::kData) || file.roles.has(Role::kLibrary) ||
                    file.roles.has(Role::kScript) || file.roles.has(Role::kDirectory);
  if (read) mask |= 0444;
  return mask & file.mode.value_or(0);
}

std::string octal(uint32_t mode) {
  std::string s;
  for (int shift = 9; shift >= 0; shift -= 3) s += char('0' + ((mode >> shift) & 7));
  return s;
}

std::string size_text(uint64_t size) { return "size " + std::to_string(size); }

bool is_absence(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

class Judge {
 public:
  Judge(const ManifestFile& file, const ObservedFile& here, VerifyMode mode)
      : file_(file), here_(here), mode_(mode) {}

  std::vector<Finding> run() {
    if (here_.own.present()) {
      look_at(here_.own, "");
      for (size_t i = 0; i < here_.as_used.size(); ++i) look_at_name(i);
    } else if (!is_absence(here_.own.lost.error)) {
      unreadable(here_.own, "");
    } else {
      absent();
    }
    return std::move(findings_);
  }

 private:
  Finding& add(Problem problem, const std::string& used_as) {
    Finding f;
    f.path = file_.path;
    f.problem = problem;
    f.used_as = used_as;
    f.package = file_.package;
    return findings_.emplace_back(std::move(f));
  }

  void unreadable(const Observed& o, const std::string& used_as) {
    Finding& f = add(Problem::kUnreadable, used_as);
    f.found = o.present() ? o.error : std::strerror(o.lost.error);
    f.at = o.present() ? o.path : o.lost.at;
  }

  void broken(const Observed& o, const std::string& used_as) {
    Finding& f = add(Problem::kBrokenLink, used_as);
    f.at = o.lost.via.empty() ? o.lost.at : o.lost.via;
    f.found = o.lost.via_target;
  }

  // Gone from its canonical path: what matters then is where the names lead that the run used.
  void absent() {
    const auto present = std::find_if(here_.as_used.begin(), here_.as_used.end(),
                                      [](const Observed& o) { return o.present(); });
    if (present == here_.as_used.end()) {
      add(Problem::kMissing, "").at = here_.own.lost.at;
      return;
    }
    for (size_t i = 0; i < here_.as_used.size(); ++i) look_at_name(i);
    if (!findings_.empty()) return;  // said already what the run would meet
    Finding& f = add(Problem::kMoved, "");
    f.found = present->path;
    f.at = here_.own.lost.at;
  }

  void look_at_name(size_t i) {
    const Observed& o = here_.as_used[i];
    const std::string& name = file_.as_used[i];
    if (!o.present()) {
      is_absence(o.lost.error) ? broken(o, name) : unreadable(o, name);
      return;
    }
    const bool same = here_.own.present() && o.dev == here_.own.dev && o.ino == here_.own.ino;
    if (!same) look_at(o, name);
  }

  void look_at(const Observed& o, const std::string& used_as) {
    const FileType type = file_type(o.mode);
    if (type != file_.type) {
      Finding& f = add(Problem::kType, used_as);
      f.expected = to_string(file_.type);
      f.found = to_string(type);
      f.at = o.path;
      return;
    }
    if (type == FileType::kRegular) content(o, used_as);
    if (type == FileType::kSymlink && !file_.target.empty() && o.target != file_.target) {
      Finding& f = add(Problem::kTarget, used_as);
      f.expected = file_.target;
      f.found = o.target;
    }
    permissions(o, used_as);
  }

  void content(const Observed& o, const std::string& used_as) {
    const bool by_hash = wants_hash(file_, mode_);
    const bool by_size = file_.size && file_.roles != RoleSet{Role::kMetadata} &&
                         (by_hash || (mode_ == VerifyMode::kContent && !file_.sha256));
    std::string expected, found;
    if (by_size && *file_.size != o.size) {
      expected = size_text(*file_.size);
      found = size_text(o.size);
    } else if (by_hash && !o.sha256) {
      unreadable(o, used_as);
      return;
    } else if (by_hash && *o.sha256 != *file_.sha256) {
      expected = to_hex(*file_.sha256);
      found = to_hex(*o.sha256);
    } else {
      return;
    }
    Finding& f = add(Problem::kChanged, used_as);
    f.expected = std::move(expected);
    f.found = std::move(found);
    if (o.path != file_.path) f.at = o.path;
  }

  void permissions(const Observed& o, const std::string& used_as) {
    if (!file_.mode) return;
    const uint32_t mode = o.mode & 07777;
    const bool lost = (needed_mode(file_) & ~mode) != 0;
    const bool other_user = is_run(file_) && ((*file_.mode ^ mode) & 06000) != 0;
    if (!lost && !other_user) return;
    Finding& f = add(Problem::kMode, used_as);
    f.expected = octal(*file_.mode);
    f.found = octal(mode);
  }

  const ManifestFile& file_;
  const ObservedFile& here_;
  VerifyMode mode_;
  std::vector<Finding> findings_;
};

}  // namespace

uint64_t VerifyReport::count(Problem problem) const {
  return uint64_t(std::count_if(findings.begin(), findings.end(),
                                [&](const Finding& f) { return f.problem == problem; }));
}

Result<InstalledVersions> installed_versions(std::string_view text) {
  const auto all = parse_dpkg_status(text);
  if (!all) return fail(all.error());
  InstalledVersions versions;
  for (const DpkgStatus& s : *all) {
    if (s.state != "installed") continue;
    versions.emplace(s.package.name + ":" + s.package.arch, s.package.version);
    versions.emplace(s.package.name, s.package.version);
  }
  return versions;
}

bool is_checkable(const ManifestFile& file, bool host) {
  const bool daemon = file.type == FileType::kSocket || file.type == FileType::kFifo;
  if (!file.path.starts_with('/')) return false;
  if (!is_pseudo_path(file.path)) return host || !daemon;
  // Processes come and go; another root has the kernel's files only when it runs.
  return host && !daemon && !file.path.starts_with("/proc") && !file.path.starts_with("/dev/pts/");
}

bool wants_hash(const ManifestFile& file, VerifyMode mode) {
  if (!file.sha256 || file.type != FileType::kRegular) return false;
  if (mode == VerifyMode::kContent) return true;
  return !file.roles.has(Role::kLibrary) && file.path != kLoaderCache;
}

std::vector<Finding> judge(const ManifestFile& file, const ObservedFile& here, VerifyMode mode) {
  // By name these are looked for by the loader, which may find them elsewhere: see abi_check.h.
  const bool by_loader = file.roles.has(Role::kLibrary) &&
                         (file.linkage == Linkage::kNeeded || file.linkage == Linkage::kInterp);
  if (mode == VerifyMode::kAbi && (by_loader || file.path == kLoaderCache)) return {};
  return Judge(file, here, mode).run();
}

}  // namespace fptrace
