#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "common/base/long_path.h"
#include "common/base/unique_fd.h"
#include "common/content/content_source.h"
#include "common/content/open_to_read.h"
#include "common/content/sha256.h"
#include "common/content/stat_ref.h"

namespace fptrace {
namespace {

bool stat_path(const std::string& path, struct stat& st) {
  const auto at = split_long_path(path);
  return at && ::fstatat(at->fd(), at->rest.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

class HeldDescriptor : public ContentSource::Held {
 public:
  explicit HeldDescriptor(UniqueFd fd) : fd(std::move(fd)) {}
  UniqueFd fd;
};

class HostContents final : public ContentSource {
 public:
  bool leads_to(const std::string& path, const FileRef& file) override {
    struct stat st {};
    return !path.empty() && path[0] == '/' && stat_path(path, st) && st.st_dev == file.dev &&
           st.st_ino == file.ino;
  }

  std::unique_ptr<Held> hold(const std::string& path) override {
    UniqueFd fd(open_to_read(path, 0));
    return fd ? std::make_unique<HeldDescriptor>(std::move(fd)) : nullptr;
  }

  std::optional<FileRef> regular_file(const std::string& path) override {
    struct stat st {};
    if (!stat_path(path, st) || !S_ISREG(st.st_mode)) return std::nullopt;
    FileRef file;
    fill(file, st);
    return file;
  }

  std::optional<EventBody> hash(ContentStage stage, const FileRef& file, const std::string& reach,
                                const Held* held) override {
    const UniqueFd opened(held ? -1 : open_to_read(reach, O_NOFOLLOW));
    const int fd = held ? static_cast<const HeldDescriptor*>(held)->fd.get() : opened.get();
    struct stat st {};
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
      return GapEvent{"content not readable", file.path};
    if (fd < 0 || ::fstat(fd, &st) < 0) return std::nullopt;
    if (st.st_dev != file.dev || st.st_ino != file.ino) return std::nullopt;
    if (uint64_t(st.st_size) != file.size || nanoseconds(st.st_mtim) != file.mtime_ns)
      return GapEvent{"changed by another program during the run", file.path};
    const auto digest = sha256_of(fd);
    if (!digest) return GapEvent{"content not readable", file.path};
    return ContentEvent{stage, file, *digest};
  }
};

}  // namespace

ContentSource& host_contents() {
  static HostContents contents;
  return contents;
}

}  // namespace fptrace
