#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fingerprint/manifest.h"

namespace fptrace {

using Sha1 = std::array<uint8_t, 20>;

Sha1 sha1(std::string_view bytes);
std::string to_hex(const Sha1& hash);

// The SHA-1 of a manifest's file as it lies below `root` ("": this host), which SPDX asks for.
// nullopt unless it still has the content that the manifest tells of: its SHA-256 is the same.
std::optional<Sha1> sha1_of_same_file(const std::string& root, const ManifestFile& file);

// A version 5 UUID (RFC 9562, section 5.5) whose name is `content`.
std::string content_uuid(std::string_view content);

}  // namespace fptrace
