#include <cstdint>

#include "fingerprint/packages/rpm_blobs.h"

namespace fptrace {
namespace {

// rpm's lib/backend/ndb/rpmpkg.c; all little endian.
constexpr uint32_t kHeaderMagic = 0x506d7052;  // "RpmP"
constexpr uint32_t kSlotMagic = 0x746f6c53;    // "Slot"
constexpr uint32_t kBlobMagic = 0x53626c42;    // "BlbS"
constexpr size_t kHeaderSize = 32, kSlotSize = 16, kBlobHeadSize = 16, kBlock = 16;
constexpr size_t kPage = 4096;

uint32_t le32(std::string_view s, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | uint8_t(s[at + i]);
  return value;
}

tl::unexpected<Error> bad(const std::string& what, size_t at) {
  return fail(Errc::kParse, "rpm Packages.db: " + what + " at byte " + std::to_string(at));
}

}  // namespace

Result<void> for_each_ndb_blob(std::string_view db, const RpmBlobSink& sink) {
  if (db.size() < kHeaderSize || le32(db, 0) != kHeaderMagic) return bad("no header", 0);
  if (le32(db, 4) != 0) return fail(Errc::kUnsupported, "rpm Packages.db: unknown version");
  const uint64_t slots_end = uint64_t(le32(db, 12)) * kPage;
  if (slots_end > db.size()) return bad("slots cut short", db.size());
  // Of all blobs together: slots must not share blocks, so it is no more than there is.
  size_t left = db.size();
  for (size_t at = kHeaderSize; at + kSlotSize <= slots_end; at += kSlotSize) {
    if (le32(db, at) != kSlotMagic) return bad("no slot", at);
    const uint32_t package = le32(db, at + 4);
    if (package == 0) continue;  // free
    const uint64_t blob = uint64_t(le32(db, at + 8)) * kBlock;
    if (blob + kBlobHeadSize > db.size() || le32(db, size_t(blob)) != kBlobMagic ||
        le32(db, size_t(blob) + 4) != package) {
      return bad("slot without its package", at);
    }
    const size_t size = le32(db, size_t(blob) + 12), begin = size_t(blob) + kBlobHeadSize;
    if (size > db.size() - begin || size > left) return bad("package cut short", size_t(blob));
    left -= size;
    sink(db.substr(begin, size));
  }
  return {};
}

}  // namespace fptrace
