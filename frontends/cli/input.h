#pragma once
#include <optional>
#include <string>

#include "fingerprint/builder.h"
#include "fingerprint/manifest.h"

namespace fptrace::cli {

// What a command that takes MANIFEST|LOG was given.
struct Input {
  Manifest manifest;
  // Of a log that was cut short: the manifest tells what happened until then.
  std::optional<Error> incomplete;
};

// Tells by the content whether `path` is a manifest (JSON or protobuf), or an event log or a
// recording, of which a manifest is made with `options`.
Result<Input> read_input(const std::string& path, ManifestOptions options = {});
// The same, but a log that was cut short is an error.
Result<Manifest> read_whole_input(const std::string& path, ManifestOptions options = {});

}  // namespace fptrace::cli
