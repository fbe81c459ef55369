#include "common/base/text.h"

#include <algorithm>

namespace fptrace {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string escape(std::string_view bytes, bool controls) {
  std::string out;
  for (size_t i = 0; i < bytes.size();) {
    const size_t n = utf8_length(bytes.substr(i));
    const std::string_view one = bytes.substr(i, std::max<size_t>(n, 1));
    if (n == 0 || (controls && is_control(one))) {
      append_escaped(out, one);
    } else {
      out += one;
    }
    i += one.size();
  }
  return out;
}

}  // namespace

size_t utf8_length(std::string_view s) {
  const auto byte = [&](size_t i) { return i < s.size() ? uint8_t(s[i]) : uint8_t(0); };
  const auto tail = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint8_t a = byte(0), b = byte(1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf) return tail(1) ? 2 : 0;
  if (a >= 0xe0 && a <= 0xef) {
    if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (a >= 0xf0 && a <= 0xf4) {
    if ((a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

bool is_control(std::string_view sequence) {
  const auto c = uint8_t(sequence[0]);
  return c < 0x20 || c == 0x7f || (c == 0xc2 && uint8_t(sequence[1]) < 0xa0);
}

bool is_utf8(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const size_t n = utf8_length(bytes.substr(i));
    if (n == 0) return false;
    i += n;
  }
  return true;
}

std::string readable(std::string_view bytes) { return escape(bytes, false); }
std::string printable(std::string_view bytes) { return escape(bytes, true); }

void append_escaped(std::string& out, std::string_view bytes) {
  for (const char c : bytes) { ((out += "\\x") += kHex[uint8_t(c) >> 4]) += kHex[uint8_t(c) & 15]; }
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t v = 0;
    for (size_t j = 0; j < 3; ++j) {
      v = v << 8 | (i + j < bytes.size() ? uint8_t(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? kBase64[v >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  uint32_t v = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t digit = i < text.size() - padding ? kBase64.find(text[i]) : 0;
    if (digit == kBase64.npos) return std::nullopt;
    v = v << 6 | uint32_t(digit);
    if (i % 4 != 3) continue;
    for (int shift = 16; shift >= 0; shift -= 8) out += char(v >> shift);
    v = 0;
  }
  out.resize(out.size() - padding);
  // One byte string has one spelling: the bits that the padding leaves over must be zero.
  if (to_base64(out) != text) return std::nullopt;
  return out;
}

std::string to_hex(std::span<const uint8_t> bytes) {
  std::string out;
  for (const uint8_t b : bytes) (out += kHex[b >> 4]) += kHex[b & 15];
  return out;
}

std::optional<std::array<uint8_t, 32>> sha256_from_hex(std::string_view text) {
  std::array<uint8_t, 32> hash{};
  if (text.size() != 2 * hash.size()) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t digit = kHex.find(text[i]);
    if (digit == kHex.npos) return std::nullopt;
    hash[i / 2] = uint8_t(uint32_t(hash[i / 2]) << 4 | uint32_t(digit));
  }
  return hash;
}

}  // namespace fptrace
