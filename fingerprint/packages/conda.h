#pragma once
#include <map>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/path_table.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// One file of PREFIX/conda-meta.
struct CondaPackage {
  Package package;                 // arch is conda's subdir, "linux-64"
  std::vector<std::string> files;  // relative to the prefix
  bool operator==(const CondaPackage&) const = default;
};

// Pure.
Result<CondaPackage> parse_conda_meta(std::string_view json);

// Packages of the conda prefixes that files lie in.
class CondaPackages : public OwnerSource {
 public:
  CondaPackages(const RootDir& root, Problems& problems) : root_(root), problems_(problems) {}
  Ownership find(const std::string& path) override;

 private:
  struct Prefix {
    std::vector<Package> packages;
    PathTable files;
  };
  const Prefix& prefix(const std::string& dir);

  const RootDir& root_;
  Problems& problems_;
  std::map<std::string, Prefix> prefixes_;  // also of directories that are none: empty
};

}  // namespace fptrace
