#include "fingerprint/view/columns.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "common/base/text.h"

namespace fptrace {
namespace {

struct Range {
  uint32_t first, last;
};
// Unicode's East_Asian_Width W and F, by block: near enough for a table.
constexpr std::array<Range, 10> kWide{{{0x1100, 0x115f},
                                       {0x2e80, 0x303e},
                                       {0x3041, 0xa4cf},
                                       {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff},
                                       {0xfe30, 0xfe6f},
                                       {0xff00, 0xff60},
                                       {0xffe0, 0xffe6},
                                       {0x1f300, 0x1faff},
                                       {0x20000, 0x3fffd}}};
// Combining marks, zero-width characters, variation selectors.
constexpr std::array<Range, 6> kNone{{{0x0300, 0x036f},
                                      {0x1ab0, 0x1aff},
                                      {0x1dc0, 0x1dff},
                                      {0x200b, 0x200d},
                                      {0x20d0, 0x20ff},
                                      {0xfe00, 0xfe0f}}};
// What reorders the text around it (UAX 9), and line separators.
constexpr std::array<Range, 5> kUnsafe{
    {{0x061c, 0x061c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}}};

template <size_t N>
bool in(const std::array<Range, N>& ranges, uint32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& r) { return c >= r.first && c <= r.last; });
}

// The character at the beginning of valid UTF-8, and how many bytes it takes.
struct Character {
  uint32_t code = 0;
  size_t size = 1;
};
Character first_character(std::string_view s) {
  const auto a = uint8_t(s[0]);
  if (a < 0xc0) return {a, 1};
  const size_t size = std::min<size_t>(a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4, s.size());
  auto code = uint32_t(a) & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) code = code << 6 | (uint8_t(s[i]) & 0x3fu);
  return {code, size};
}

size_t width_of(uint32_t c) { return in(kNone, c) ? 0 : in(kWide, c) ? 2 : 1; }

std::string_view ellipsis(const TextStyle& style) { return style.ascii ? "..." : "…"; }

}  // namespace

std::string shown(std::string_view bytes, const TextStyle& style) {
  const std::string text = printable(bytes);
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = std::string_view(text).substr(at);
    const Character c = first_character(rest);
    if (c.code >= 0x80 && (style.ascii || in(kUnsafe, c.code))) {
      append_escaped(out, rest.substr(0, c.size));
    } else {
      out += rest.substr(0, c.size);
    }
    at += c.size;
  }
  return out;
}

size_t columns(std::string_view text) {
  size_t sum = 0;
  for (size_t at = 0; at < text.size();) {
    const Character c = first_character(text.substr(at));
    sum += width_of(c.code);
    at += c.size;
  }
  return sum;
}

std::string cut(std::string_view text, size_t width, const TextStyle& style) {
  if (columns(text) <= width) return std::string(text);
  const std::string_view dots = ellipsis(style);
  const size_t room = width - std::min(width, columns(dots));
  size_t at = 0;
  for (size_t used = 0; at < text.size();) {
    const Character c = first_character(text.substr(at));
    used += width_of(c.code);
    if (used > room) break;
    at += c.size;
  }
  return std::string(text.substr(0, at)) + std::string(dots);
}

std::string cut_front(std::string_view text, size_t width, const TextStyle& style) {
  size_t left = columns(text);
  if (left <= width) return std::string(text);
  const std::string_view dots = ellipsis(style);
  const size_t room = width - std::min(width, columns(dots));
  size_t at = 0;
  while (left > room) {
    const Character c = first_character(text.substr(at));
    left -= width_of(c.code);
    at += c.size;
  }
  return std::string(dots) + std::string(text.substr(at));
}

}  // namespace fptrace
