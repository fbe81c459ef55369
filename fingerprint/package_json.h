#pragma once
#include "common/base/json_text.h"
#include "fingerprint/packages/package.h"

namespace fptrace {

// A package as manifests and reports have it. Only for .cc files, since the header is heavy.
Json package_json(const Package& package);

}  // namespace fptrace
