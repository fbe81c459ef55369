#include "backends/emu/tracer/guest_contents.h"

#include <sys/stat.h>

#include <algorithm>

#include "common/content/sha256.h"

namespace fptrace::emu {
namespace {

// Nothing keeps a file of the guest within reach: what it contains is looked at when it is held.
class HeldDigest : public ContentSource::Held {
 public:
  explicit HeldDigest(Sha256 digest) : digest(digest) {}
  Sha256 digest;
};

}  // namespace

bool GuestContents::leads_to(const std::string& path, const FileRef& file) {
  if (!path.starts_with('/')) return false;
  const auto now = fs_.lstat(path);
  return now && now->dev == file.dev && now->ino == file.ino;
}

Result<Sha256> GuestContents::digest(const std::string& path, const FileRef& file) {
  auto digest = sha256_of([&](uint64_t at, std::span<char> out) -> Result<size_t> {
    const size_t size = size_t(std::min<uint64_t>(out.size(), file.size - std::min(at, file.size)));
    if (size == 0) return size_t{0};
    const auto bytes = fs_.read_at(path, at, size);
    if (!bytes) return fail(bytes.error());
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return bytes->size();
  });
  if (digest) return digest;
  // An overlay's files have their contents in those of its layers.
  if (file.source.starts_with('/')) {
    auto layer = fs_.lstat(file.source);
    if (layer && layer->size == file.size) {
      layer->source.clear();
      return this->digest(file.source, *layer);
    }
  }
  return digest_of_disk_file(file);
}

Result<Sha256> GuestContents::digest_of_disk_file(const FileRef& file) {
  const auto first = disk_ ? disk_->file(file.ino) : std::nullopt;
  const auto root = fs_.lstat("/");
  const bool same = first && root && root->dev == file.dev && first->size == file.size &&
                    first->mtime_ns == file.mtime_ns;
  if (!same) return fail(Errc::kUnsupported, file.path + ": the guest does not have it in memory");
  return sha256_of(
      [&](uint64_t at, std::span<char> out) { return disk_->read(file.ino, at, out); });
}

std::unique_ptr<ContentSource::Held> GuestContents::hold(const std::string& path) {
  const auto file = fs_.follow_magic(path);
  if (!file) return nullptr;
  const auto found = digest(path, *file);
  return found ? std::make_unique<HeldDigest>(*found) : nullptr;
}

std::optional<FileRef> GuestContents::regular_file(const std::string& path) {
  auto file = fs_.lstat(path);
  if (!file || !S_ISREG(file->mode)) return std::nullopt;
  file->path.clear();
  return *std::move(file);
}

std::optional<EventBody> GuestContents::hash(ContentStage stage, const FileRef& file,
                                             const std::string& reach, const Held* held) {
  if (held) return ContentEvent{stage, file, static_cast<const HeldDigest*>(held)->digest};
  const auto now = fs_.lstat(reach);
  if (!now || now->dev != file.dev || now->ino != file.ino) return std::nullopt;
  if (now->size != file.size || now->mtime_ns != file.mtime_ns)
    return GapEvent{"changed by another program during the run", file.path};
  const auto found = digest(reach, file);
  if (!found) return GapEvent{"content not readable", file.path};
  return ContentEvent{stage, file, *found};
}

}  // namespace fptrace::emu
