#pragma once
#include "common/base/json_text.h"
#include "fingerprint/packages/package.h"

// JSON of reports about manifests: docs/reports.md. Only for .cc files, since the header is heavy.

namespace fptrace::cli {

Json package_json(const Package& package);

}  // namespace fptrace::cli
