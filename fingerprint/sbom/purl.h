#pragma once
#include <string>
#include <string_view>

#include "fingerprint/packages/package.h"

namespace fptrace {

// The distribution that an installed package belongs to, as package URLs name it.
struct Distribution {
  std::string vendor;   // "debian"; empty: not known
  std::string release;  // "debian-12"; empty: not known (a rolling or unnamed release)
  bool operator==(const Distribution&) const = default;
};

// From os-release's PRETTY_NAME, which is what a manifest has: "Debian GNU/Linux 12 (bookworm)".
Distribution distribution_of(std::string_view pretty_name);

// The package URL (ECMA-427, formerly package-url/purl-spec) of a package:
// "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12". A manager without a purl
// type of its own gives pkg:generic. `distribution` is used for a distribution's packages only.
std::string purl(const Package& package, const Distribution& distribution);

}  // namespace fptrace
