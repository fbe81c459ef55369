#pragma once
#include <map>
#include <optional>
#include <string_view>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// Pure. Name and version of a package.json; one that has not both is an error.
Result<Package> parse_package_json(std::string_view json);

// Packages of Node.js: the directory below the last node_modules above a file is one, by its
// package.json; when that has no name and version, the outermost below that has.
class NodePackages : public OwnerSource {
 public:
  NodePackages(const RootDir& root, Problems& problems) : root_(root), problems_(problems) {}
  Ownership find(const std::string& path) override;

 private:
  const std::optional<Package>& package_in(const std::string& dir);

  const RootDir& root_;
  Problems& problems_;
  std::map<std::string, std::optional<Package>> packages_;  // by directory
};

}  // namespace fptrace
