#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "fingerprint/manifest.h"

namespace fptrace {

enum class ManifestFormat { kJson, kPb };

// Pure. JSON is one line per list element, so that diff and grep are of use.
std::string to_json(const Manifest& manifest);
std::string to_pb(const Manifest& manifest);
// Pure. Hostile text gives an error that names the field ("files[3].size: not a number").
Result<Manifest> manifest_from_json(std::string_view text);
Result<Manifest> manifest_from_pb(std::string_view bytes);

// Whether `path` can be written, without leaving anything behind; to be asked before the run.
Result<void> check_writable(const std::string& path);
// Replaces `path` as a whole or not at all: written beside it under another name, then renamed.
// A path that is not a regular file (/dev/stdout, a pipe) is written to directly.
Result<void> write_manifest(const std::string& path, ManifestFormat format,
                            const Manifest& manifest);
// The same for any other text.
Result<void> write_whole_file(const std::string& path, std::string_view data);
// Tells the format from the content.
Result<Manifest> read_manifest(const std::string& path);

}  // namespace fptrace
