#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/path_table.h"
#include "fingerprint/packages/root_dir.h"
#include "fingerprint/packages/rpm_header.h"
#include "fingerprint/packages/usr_aliases.h"

namespace fptrace {

// Who owns which file, from rpm's database as it lies on disk: SQLite (rpm 4.16 and later) or ndb.
// Not through librpm, which takes its settings from this machine's files, takes locks and makes
// indexes beside what it reads: a root that is looked at must stay as it is.
class RpmDatabase : public OwnerSource {
 public:
  // A root without one is an empty database, not an error. One package that cannot be read is told
  // in `problems`.
  static Result<RpmDatabase> read(const RootDir& root, Problems& problems);
  // Packages of this system's architecture first.
  Ownership find(const std::string& path) override;
  bool empty() const { return packages_.empty(); }

 private:
  Result<void> read_directory(const RootDir& root, const std::string& dir, Problems& problems);
  void add(RpmPackage package);
  void find_native_arch();

  std::vector<Package> packages_;
  PathTable files_, config_;
  UsrAliases aliases_;
  std::string native_arch_;
};

}  // namespace fptrace
