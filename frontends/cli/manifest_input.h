#pragma once
#include <string>

#include "common/base/result.h"
#include "fingerprint/manifest.h"

namespace fptrace::cli {

// A manifest from a file that holds one, as JSON or protobuf, or an event log: of a log it is made
// now, with processes, from what is on this machine. A log that was cut short is an error. Errors
// begin with the path.
Result<Manifest> manifest_from_file(const std::string& path);

}  // namespace fptrace::cli
