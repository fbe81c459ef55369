#pragma once
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/path_table.h"
#include "fingerprint/packages/root_dir.h"
#include "fingerprint/packages/usr_aliases.h"

namespace fptrace {

// One package of apk's database.
struct ApkPackage {
  Package package;
  std::vector<std::string> files;  // absolute paths
  bool operator==(const ApkPackage&) const = default;
};

// Pure. The text of apk's `installed`: lines of a letter, a colon and a value; F: is a directory,
// R: a file in the last one; an empty line ends a package (apk(5)). Errors name the line.
Result<std::vector<ApkPackage>> parse_apk_installed(std::string_view text);

// Alpine's packages. Their database does not tell configuration files from others.
class ApkDatabase : public OwnerSource {
 public:
  // A root without one is an empty database, not an error.
  static Result<ApkDatabase> read(const RootDir& root);
  Ownership find(const std::string& path) override;
  bool empty() const { return packages_.empty(); }

 private:
  Result<void> read_file(const RootDir& root, const std::string& path);

  std::vector<Package> packages_;
  PathTable files_;
  UsrAliases aliases_;
};

}  // namespace fptrace
