#pragma once
#include "common/base/result.h"
#include "fingerprint/manifest.h"

namespace fptrace {

// What every manifest holds to, whatever it was read from: paths are absolute and do not climb,
// and none comes twice. The error names the field ("files[3].path").
Result<void> check_manifest(const Manifest& manifest);
Result<void> check_schema(const std::string& schema);

}  // namespace fptrace
