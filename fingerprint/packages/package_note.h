#pragma once
#include <string_view>

#include "common/base/result.h"
#include "fingerprint/packages/package.h"

namespace fptrace {

// The packaging note of an ELF file (systemd.io/ELF_PACKAGE_METADATA): what its builder says it
// belongs to, for files that no package database knows. Pure.
Result<Package> parse_package_note(std::string_view json);

}  // namespace fptrace
