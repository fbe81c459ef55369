#pragma once
#include <string>

#include "fingerprint/builder.h"
#include "fingerprint/manifest.h"

namespace fptrace::cli {

// The figures of the summary as one line of JSON, without its newline. `manifest_path` and
// `log_path` are where the results are; empty when there are none.
std::string summary_json(const Manifest& manifest, const RunStats& stats,
                         const std::string& manifest_path, const std::string& log_path);

}  // namespace fptrace::cli
