#include "common/elf/ld_cache.h"

#include <bit>
#include <optional>

// Formats as in glibc's sysdeps/generic/dl-cache.h.

namespace fptrace {
namespace {

constexpr std::string_view kOldMagic = "ld.so-1.7.0";
constexpr std::string_view kNewMagic = "glibc-ld.so.cache1.1";
constexpr uint32_t kExtensionMagic = 0xEAA42174;
constexpr uint32_t kHwcapsSection = 1;
constexpr uint8_t kInvalid = 1, kBigEndian = 3;  // 2: little endian
constexpr size_t kNewHeader = 48, kNewEntry = 24, kOldHeader = 16, kOldEntry = 12;
// Upper half of an entry's hwcap that refers to the list of glibc-hwcaps names; the ISA level below
// it is what the library itself is marked with.
constexpr uint64_t kNamedHwcap = uint64_t{1} << 62;
constexpr uint64_t kIsaLevelMask = 0x3ff;
constexpr size_t kMaxName = 4096;
constexpr size_t kMaxText = 256u << 20;  // of all names together, which may share their bytes
constexpr uint32_t kMaxSections = 64;

tl::unexpected<Error> bad(const std::string& what) {
  return fail(Errc::kParse, "ld.so.cache: " + what);
}

class Reader {
 public:
  Reader(std::string_view bytes, bool little) : bytes_(bytes), little_(little) {}

  bool has(uint64_t at, uint64_t size) const {
    return at <= bytes_.size() && size <= bytes_.size() - at;
  }
  // The caller has made sure that the bytes are there.
  uint64_t number(uint64_t at, size_t size) const {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t from = little_ ? size - 1 - i : i;
      value = value << 8 | uint8_t(bytes_[size_t(at) + from]);
    }
    return value;
  }
  uint32_t word(uint64_t at) const { return uint32_t(number(at, 4)); }
  std::optional<std::string> text(uint64_t at) {
    if (at >= bytes_.size()) return std::nullopt;
    const std::string_view rest = bytes_.substr(size_t(at), kMaxName);
    const size_t end = rest.find('\0');
    if (end == rest.npos || (taken_ += end) > kMaxText) return std::nullopt;
    return std::string(rest.substr(0, end));
  }
  size_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool little_;
  size_t taken_ = 0;
};

Result<std::vector<LdCacheEntry>> parse_old(std::string_view bytes, bool little, uint32_t count) {
  Reader in(bytes, little);
  const uint64_t strings = kOldHeader + uint64_t{count} * kOldEntry;
  std::vector<LdCacheEntry> entries;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t at = kOldHeader + uint64_t{i} * kOldEntry;
    auto name = in.text(strings + in.word(at + 4)), path = in.text(strings + in.word(at + 8));
    if (!name || !path) return bad("entry " + std::to_string(i) + ": a name is outside the file");
    entries.push_back({std::move(*name), std::move(*path), in.word(at), {}, 0});
  }
  return entries;
}

// The names that entries refer to by number.
Result<std::vector<std::string>> read_hwcaps(Reader& in) {
  const uint32_t at = in.word(32);
  if (at == 0) return std::vector<std::string>();  // written before glibc 2.33
  if (!in.has(at, 8) || in.word(at) != kExtensionMagic) return bad("bad extension");
  const uint32_t sections = in.word(at + 4);
  if (sections > kMaxSections || !in.has(at + 8, uint64_t{sections} * 16)) {
    return bad("extension cut short");
  }
  std::vector<std::string> names;
  for (uint32_t i = 0; i < sections; ++i) {
    const uint64_t section = at + 8 + uint64_t{i} * 16;
    if (in.word(section) != kHwcapsSection) continue;
    const uint32_t offset = in.word(section + 8), size = in.word(section + 12);
    if (!in.has(offset, size)) return bad("list of hwcaps is outside the file");
    for (uint32_t j = 0; j + 4 <= size; j += 4) {
      auto name = in.text(in.word(uint64_t{offset} + j));
      if (!name) return bad("name of a hwcap is outside the file");
      names.push_back(std::move(*name));
    }
  }
  return names;
}

Result<std::vector<LdCacheEntry>> parse_new(std::string_view bytes) {
  if (bytes.size() < kNewHeader) return bad("header cut short");
  const auto order = uint8_t(bytes[28]) & 3u;  // 0: written before glibc 2.32, in the host's order
  Reader in(bytes, order == 0 ? std::endian::native == std::endian::little : order != kBigEndian);
  if (order == kInvalid) return bad("marked as invalid");
  const uint32_t count = in.word(20);
  if (!in.has(kNewHeader, uint64_t{count} * kNewEntry)) return bad("entries cut short");
  const auto hwcaps = read_hwcaps(in);
  if (!hwcaps) return fail(hwcaps.error());
  std::vector<LdCacheEntry> entries;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t at = kNewHeader + uint64_t{i} * kNewEntry;
    const std::string where = "entry " + std::to_string(i) + ": ";
    auto name = in.text(in.word(at + 4)), path = in.text(in.word(at + 8));
    if (!name || !path) return bad(where + "a name is outside the file");
    LdCacheEntry e{std::move(*name), std::move(*path), in.word(at), {}, in.number(at + 16, 8)};
    if (((e.legacy_hwcap >> 32) & ~kIsaLevelMask) == kNamedHwcap >> 32) {
      const auto index = uint32_t(e.legacy_hwcap);
      if (index >= hwcaps->size()) return bad(where + "no such hwcap");
      e.hwcaps = (*hwcaps)[index];
      e.legacy_hwcap = 0;
    }
    entries.push_back(std::move(e));
  }
  return entries;
}

}  // namespace

Result<std::vector<LdCacheEntry>> parse_ld_cache(std::string_view bytes) {
  if (bytes.starts_with(kNewMagic)) return parse_new(bytes);
  if (!bytes.starts_with(kOldMagic)) return bad("neither of the two formats");
  if (bytes.size() < kOldHeader) return bad("header cut short");
  // The old format does not say its byte order; one of the two gives a table that fits.
  for (const bool little : {true, false}) {
    const Reader in(bytes, little);
    const uint32_t count = in.word(12);
    if (!in.has(kOldHeader, uint64_t{count} * kOldEntry)) continue;
    const uint64_t end = (kOldHeader + uint64_t{count} * kOldEntry + 7) / 8 * 8;
    if (end <= bytes.size() && bytes.substr(size_t(end)).starts_with(kNewMagic)) {
      return parse_new(bytes.substr(size_t(end)));
    }
    return parse_old(bytes, little, count);
  }
  return bad("entries cut short");
}

}  // namespace fptrace
