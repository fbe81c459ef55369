#include "fingerprint/packages/rpm_header.h"

#include <climits>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "fingerprint/packages/path_table.h"

namespace fptrace {
namespace {

// rpm's docs/manual/tags.md
enum Tag : uint32_t {
  kName = 1000,
  kVersion = 1001,
  kRelease = 1002,
  kEpoch = 1003,
  kArch = 1022,
  kFileStates = 1029,
  kFileFlags = 1037,
  kDirIndexes = 1116,
  kBaseNames = 1117,
  kDirNames = 1118,
};
enum Type : uint32_t { kChar = 1, kInt8 = 2, kInt32 = 4, kString = 6, kStringArray = 8 };
constexpr uint32_t kFlagConfig = 1;  // RPMFILE_CONFIG
// rpmfileState: replaced by another package's, not installed, of the wrong colour (multilib).
constexpr bool is_on_disk(uint8_t state) { return state != 1 && state != 2 && state != 4; }

constexpr size_t kMostEntries = 0xffff;  // rpm's own limit
// Of all paths together: many base names may share one long directory name.
constexpr size_t kMostPathBytes = 128u << 20;

uint32_t be32(std::string_view s, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | uint8_t(s[at + i]);
  return value;
}

class Header {
 public:
  Result<void> read(std::string_view blob) {
    if (blob.size() < 8) return fail(Errc::kParse, "rpm header: cut short");
    const size_t entries = be32(blob, 0), bytes = be32(blob, 4);
    if (entries > kMostEntries) return fail(Errc::kParse, "rpm header: too many tags");
    if (blob.size() - 8 < entries * 16 || blob.size() - 8 - entries * 16 < bytes) {
      return fail(Errc::kParse, "rpm header: cut short");
    }
    data_ = blob.substr(8 + entries * 16, bytes);
    for (size_t i = 0; i < entries; ++i) {
      const size_t at = 8 + i * 16;
      // Of a tag that comes twice rpm takes the first.
      entries_.try_emplace(be32(blob, at),
                           Entry{be32(blob, at + 4), be32(blob, at + 8), be32(blob, at + 12)});
    }
    return {};
  }

  // No value when the tag is not there; an error when it is not what it must be.
  Result<std::vector<std::string_view>> strings(Tag tag) const {
    std::vector<std::string_view> out;
    const Entry* e = find(tag);
    if (e == nullptr) return out;
    const bool single = e->type == kString && e->count == 1;
    if (!single && e->type != kStringArray) return bad(tag, "not strings");
    if (e->count > kMostPaths) return bad(tag, "too many");
    size_t at = e->offset;
    for (uint32_t i = 0; i < e->count; ++i) {
      const size_t end = at < data_.size() ? data_.find('\0', at) : data_.npos;
      if (end == data_.npos) return bad(tag, "reaches past the end");
      out.push_back(data_.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }
  Result<std::vector<uint32_t>> numbers(Tag tag) const {
    std::vector<uint32_t> out;
    const Entry* e = find(tag);
    if (e == nullptr) return out;
    const bool bytes = e->type == kChar || e->type == kInt8;
    if (!bytes && e->type != kInt32) return bad(tag, "not numbers");
    const size_t width = bytes ? 1 : 4;
    if (e->offset > data_.size() || (data_.size() - e->offset) / width < e->count) {
      return bad(tag, "reaches past the end");
    }
    for (size_t i = 0, at = e->offset; i < e->count; ++i, at += width) {
      out.push_back(bytes ? uint8_t(data_[at]) : be32(data_, at));
    }
    return out;
  }

 private:
  struct Entry {
    uint32_t type, offset, count;
  };
  const Entry* find(Tag tag) const {
    const auto it = entries_.find(tag);
    return it == entries_.end() ? nullptr : &it->second;
  }
  static tl::unexpected<Error> bad(Tag tag, const char* why) {
    return fail(Errc::kParse, "rpm header tag " + std::to_string(tag) + ": " + why);
  }
  std::string_view data_;
  std::unordered_map<uint32_t, Entry> entries_;
};

Result<std::string> one_string(const Header& header, Tag tag) {
  const auto all = header.strings(tag);
  if (!all) return fail(all.error());
  return all->empty() ? std::string() : std::string(all->front());
}

Result<void> read_names(const Header& header, Package& p) {
  const auto name = one_string(header, kName), version = one_string(header, kVersion),
             release = one_string(header, kRelease), arch = one_string(header, kArch);
  const auto epoch = header.numbers(kEpoch);
  for (const auto* s : {&name, &version, &release, &arch}) {
    if (!*s) return fail(s->error());
  }
  if (!epoch) return fail(epoch.error());
  if (name->empty()) return fail(Errc::kParse, "rpm header: no name");
  p.manager = "rpm";
  p.name = *name;
  if (!epoch->empty()) p.version = std::to_string(epoch->front()) + ":";
  p.version += *version + "-" + *release;
  p.arch = *arch;
  return {};
}

Result<void> read_files(const Header& header, std::vector<RpmFile>& out) {
  const auto names = header.strings(kBaseNames), directories = header.strings(kDirNames);
  const auto indexes = header.numbers(kDirIndexes), flags = header.numbers(kFileFlags),
             states = header.numbers(kFileStates);
  for (const auto* s : {&names, &directories}) {
    if (!*s) return fail(s->error());
  }
  for (const auto* n : {&indexes, &flags, &states}) {
    if (!*n) return fail(n->error());
  }
  if (indexes->size() != names->size()) {
    return fail(Errc::kParse, "rpm header: not one directory for each file");
  }
  size_t bytes = 0;
  for (size_t i = 0; i < names->size(); ++i) {
    const uint32_t directory = (*indexes)[i];
    if (directory >= directories->size())
      return fail(Errc::kParse, "rpm header: no such directory");
    if (i < states->size() && !is_on_disk(uint8_t((*states)[i]))) continue;
    const std::string_view dir = (*directories)[directory], name = (*names)[i];
    bytes += dir.size() + name.size();
    if (dir.size() > PATH_MAX || bytes > kMostPathBytes) {
      return fail(Errc::kParse, "rpm header: paths too long");
    }
    const bool config = i < flags->size() && ((*flags)[i] & kFlagConfig) != 0;
    out.push_back({std::string(dir) + std::string(name), config});
  }
  return {};
}

}  // namespace

Result<RpmPackage> parse_rpm_header(std::string_view blob) {
  Header header;
  if (auto r = header.read(blob); !r) return fail(r.error());
  RpmPackage out;
  if (auto r = read_names(header, out.package); !r) return fail(r.error());
  if (auto r = read_files(header, out.files); !r) return fail(r.error());
  return out;
}

}  // namespace fptrace
