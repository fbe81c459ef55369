#include "backends/emu/tracer/guest_contents.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/base/unique_fd.h"
#include "common/content/open_to_read.h"
#include "common/content/sha256.h"

namespace fptrace::emu {
namespace {

// Nothing keeps a file of the guest within reach: what it contains is looked at when it is held.
class HeldDigest : public ContentSource::Held {
 public:
  explicit HeldDigest(Sha256 digest) : digest(digest) {}
  Sha256 digest;
};

// Images of file systems are made with times of whole seconds.
bool same_time(int64_t guest_ns, const timespec& host) {
  constexpr int64_t kSecond = 1'000'000'000;
  return guest_ns == nanoseconds(host) ||
         (guest_ns % kSecond == 0 && guest_ns / kSecond == host.tv_sec);
}

Result<Sha256> digest_of_host_file(const FileRef& file) {
  const UniqueFd fd(open_to_read(file.path, O_NOFOLLOW));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) < 0) return fail_errno("open " + file.path);
  const bool same = S_ISREG(st.st_mode) && uint64_t(st.st_size) == file.size &&
                    same_time(file.mtime_ns, st.st_mtim);
  if (!same) return fail(Errc::kUnsupported, file.path + " is another file on this host");
  return sha256_of(fd.get());
}

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
  return digest_of_host_file(file);
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
