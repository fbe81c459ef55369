#pragma once
#include <map>
#include <optional>
#include <string_view>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// Pure. Name and version of an installed R package's DESCRIPTION; only an installed one has the
// field Built ("Writing R Extensions").
Result<Package> parse_r_description(std::string_view text);

// R packages: LIBRARY/NAME with a DESCRIPTION that says NAME.
class RPackages : public OwnerSource {
 public:
  RPackages(const RootDir& root, Problems& problems) : root_(root), problems_(problems) {}
  Ownership find(const std::string& path) override;

 private:
  const std::optional<Package>& package_in(const std::string& dir);

  const RootDir& root_;
  Problems& problems_;
  std::map<std::string, std::optional<Package>> packages_;  // by directory
};

}  // namespace fptrace
