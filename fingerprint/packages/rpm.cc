#include "fingerprint/packages/rpm.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "fingerprint/packages/rpm_blobs.h"

namespace fptrace {
namespace {

// A workstation's database has 200 MB and more.
constexpr size_t kMostBytes = size_t{2} << 30;

}  // namespace

Result<RpmDatabase> RpmDatabase::read(const RootDir& root, Problems& problems) {
  RpmDatabase db;
  // The first is usually a link to the second since Fedora 36, or was always there.
  for (const char* dir : {"/usr/lib/sysimage/rpm", "/var/lib/rpm"}) {
    if (!db.empty()) break;
    if (auto r = db.read_directory(root, dir, problems); !r) return fail(r.error());
  }
  if (db.empty()) return db;
  db.aliases_ = UsrAliases::read(root);
  db.find_native_arch();
  return db;
}

Result<void> RpmDatabase::read_directory(const RootDir& root, const std::string& dir,
                                         Problems& problems) {
  const std::string sqlite = dir + "/rpmdb.sqlite", ndb = dir + "/Packages.db",
                    berkeley = dir + "/Packages";
  const bool is_sqlite = root.exists(sqlite);
  if (!is_sqlite && !root.exists(ndb)) {
    if (!root.exists(berkeley)) return {};
    return fail(Errc::kUnsupported, root.shown(berkeley) +
                                        ": a Berkeley DB, as rpm made before 4.16; not read, so "
                                        "files of rpm packages have no owner (rpmdb "
                                        "--rebuilddb with a newer rpm converts it)");
  }
  const std::string& path = is_sqlite ? sqlite : ndb;
  auto bytes = root.read(path, kMostBytes);
  if (!bytes) return fail(bytes.error());
  size_t number = 0;
  const auto sink = [&](std::string_view blob) {
    ++number;
    auto package = parse_rpm_header(blob);
    if (package) return add(std::move(*package));
    problems.insert(root.shown(path) + ": package " + std::to_string(number) + ": " +
                    package.error().what);
  };
  Result<void> done;
  if (is_sqlite) {
    auto wal = root.exists(path + "-wal") ? root.read(path + "-wal", kMostBytes) : "";
    if (!wal) return fail(wal.error());
    done = for_each_sqlite_blob(std::move(*bytes), *wal, sink);
  } else {
    done = for_each_ndb_blob(*bytes, sink);
  }
  // What was read until then counts.
  if (!done) problems.insert(root.shown(path) + ": " + done.error().what);
  return {};
}

void RpmDatabase::add(RpmPackage package) {
  const auto index = uint32_t(packages_.size());
  for (RpmFile& f : package.files) {
    const std::string_view path = files_.keep(std::move(f.path));
    files_.add(path, index);
    if (f.config) config_.add(path, index);
  }
  packages_.push_back(std::move(package.package));
}

// That of most packages; those of a second architecture are but a few libraries.
void RpmDatabase::find_native_arch() {
  std::map<std::string, size_t> count;
  for (const Package& p : packages_) {
    if (p.arch != "noarch") ++count[p.arch];
  }
  const auto most = std::max_element(
      count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != count.end()) native_arch_ = most->first;
}

Ownership RpmDatabase::find(const std::string& path) {
  Ownership out;
  std::vector<uint32_t> found;
  for (const std::string& name : aliases_.spellings(path)) {
    files_.each(name, [&](uint32_t p) { found.push_back(p); });
    config_.each(name, [&](uint32_t) { out.config = true; });
  }
  const auto key = [&](uint32_t p) {
    return std::make_tuple(packages_[p].arch != native_arch_, std::cref(packages_[p]));
  };
  std::sort(found.begin(), found.end(), [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  for (const uint32_t p : found) out.packages.push_back(packages_[p]);
  return out;
}

}  // namespace fptrace
