#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/package.h"

namespace fptrace {

struct RpmFile {
  std::string path;
  bool config = false;
  bool operator==(const RpmFile&) const = default;
};
// One package of rpm's database.
struct RpmPackage {
  Package package;             // version as "[EPOCH:]VERSION-RELEASE"
  std::vector<RpmFile> files;  // those that are on disk: not replaced, not left out, of its colour
  bool operator==(const RpmPackage&) const = default;
};

// Pure. A header as rpm's database holds it, without the magic that it has in a package file: two
// counts, an index of tags, their data; all big endian (rpm's docs/manual/format_header).
Result<RpmPackage> parse_rpm_header(std::string_view blob);

}  // namespace fptrace
