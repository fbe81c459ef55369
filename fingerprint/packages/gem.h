#pragma once
#include <map>
#include <optional>
#include <string_view>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// Pure. Name, version and platform (as arch; none for "ruby") of a gem's specification, which is a
// Ruby program: from its "# stub:" line or else its plain assignments, as RubyGems' own fast path.
Result<Package> parse_gemspec(std::string_view text);

// Ruby gems: DIR/specifications/NAME-VERSION.gemspec (or in its default/) with the files below
// DIR/gems/NAME-VERSION and DIR/extensions/PLATFORM/API/NAME-VERSION.
class RubyGems : public OwnerSource {
 public:
  RubyGems(const RootDir& root, Problems& problems) : root_(root), problems_(problems) {}
  Ownership find(const std::string& path) override;

 private:
  const std::optional<Package>& gem(const std::string& dir, const std::string& full_name);

  const RootDir& root_;
  Problems& problems_;
  std::map<std::string, std::optional<Package>> gems_;  // by DIR/NAME-VERSION
};

}  // namespace fptrace
