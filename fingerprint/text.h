#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/event/event.h"

namespace fptrace {

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view bytes);
// Valid UTF-8 for a reader: every byte that is not part of valid UTF-8 becomes "\xNN". The same
// text can stand for several byte strings, so the exact bytes must go elsewhere.
std::string readable(std::string_view bytes);
// The same, and control characters too: for a terminal.
std::string printable(std::string_view bytes);

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);  // RFC 4648, padded
std::string to_hex(const Sha256& hash);
std::optional<Sha256> sha256_from_hex(std::string_view text);

}  // namespace fptrace
