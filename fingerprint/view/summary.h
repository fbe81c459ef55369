#pragma once
#include <string>

#include "fingerprint/builder.h"
#include "fingerprint/manifest.h"

namespace fptrace {

// What a person wants to see after a run: at most a screen (24 lines of `width` columns), ending in
// a newline. Control characters in names are escaped; `width` 0 means no limit.
std::string summary(const Manifest& manifest, const RunStats& stats, size_t width = 80);

}  // namespace fptrace
