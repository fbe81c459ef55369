#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Bytes as text. All pure.

namespace fptrace {

// Length of the valid UTF-8 sequence that `s` begins with; 0 when there is none. RFC 3629,
// section 4: no overlong forms, no surrogates, nothing above U+10FFFF. `s` must not be empty.
size_t utf8_length(std::string_view s);
bool is_utf8(std::string_view bytes);
// Whether a terminal acts on the UTF-8 sequence: C0, DEL, and C1 (U+0080 to U+009F).
bool is_control(std::string_view sequence);

// Valid UTF-8 for a reader: every byte that is not part of valid UTF-8 becomes "\xNN". The same
// text can stand for several byte strings, so the exact bytes must go elsewhere.
std::string readable(std::string_view bytes);
// The same, and control characters too: for a terminal.
std::string printable(std::string_view bytes);
// Appends "\xNN" for each byte.
void append_escaped(std::string& out, std::string_view bytes);

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);  // RFC 4648, padded
std::string to_hex(std::span<const uint8_t> bytes);             // lower case
std::optional<std::array<uint8_t, 32>> sha256_from_hex(std::string_view text);

}  // namespace fptrace
