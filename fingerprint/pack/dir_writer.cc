#include "fingerprint/pack/dir_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/base/text.h"
#include "fingerprint/pack/dir_walk.h"

namespace fptrace::pack {
namespace {

class DirWriter : public Writer {
 public:
  DirWriter(DirWalk walk, std::vector<Note>& notes) : walk_(std::move(walk)), notes_(notes) {}

  Result<void> begin(const PackEntry& e) override {
    entry_ = &e;
    offset_ = 0;
    if (e.type == FileType::kDirectory) return make_directory(e);
    const auto at = walk_.parent(e.path);
    if (!at) return fail(at.error());
    const auto& [dir, name] = *at;
    if (e.type == FileType::kSymlink) return make_symlink(e, dir, name);
    if (!e.hard_link.empty()) return make_hard_link(e);
    file_ = UniqueFd(
        ::openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return file_ ? Result<void>() : failed("write", e);
  }

  Result<void> data(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(file_.get(), bytes.data(), bytes.size(), off_t(offset_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("write", *entry_);
      offset_ += uint64_t(n);
      bytes.remove_prefix(size_t(n));
    }
    return {};
  }

  Result<void> hole(uint64_t length) override {
    offset_ += length;
    if (::ftruncate(file_.get(), off_t(offset_)) != 0) return failed("write", *entry_);
    return {};
  }

  Result<void> end() override {
    if (!file_) return {};
    const UniqueFd file = std::move(file_);
    const PackEntry& e = *entry_;
    // Attributes before the mode (they need write access); owner before the mode, as changing the
    // owner takes setuid bits away, and capabilities with them.
    if (::fchown(file.get(), owner(e.uid), group(e.gid)) != 0) return failed("set the owner of", e);
    for (const auto& [key, value] : e.xattrs)
      if (::fsetxattr(file.get(), key.c_str(), value.data(), value.size(), 0) != 0)
        notes_.push_back(
            {e.path, "loses its attribute " + key + ": " + std::generic_category().message(errno)});
    if (::fchmod(file.get(), e.mode) != 0) return failed("set the mode of", e);
    const timespec times[2] = {{e.mtime, 0}, {e.mtime, 0}};
    if (::futimens(file.get(), times) != 0) return failed("set the time of", e);
    return {};
  }

  // Only now the directories get the modes that may forbid writing into them.
  Result<void> finish() override {
    for (auto it = directories_.rbegin(); it != directories_.rend(); ++it)
      if (auto ok = finish_directory(**it); !ok) return ok;
    return {};
  }

 private:
  // Not root: all files are the caller's, whoever owned them.
  static bool is_root() { return ::geteuid() == 0; }
  static uid_t owner(uint32_t uid) { return is_root() ? uid : uid_t(-1); }
  static gid_t group(uint32_t gid) { return is_root() ? gid : gid_t(-1); }

  static tl::unexpected<Error> failed(const char* what, const PackEntry& e) {
    return fail_errno(std::string(what) + " " + printable(e.path) + " in the package");
  }

  Result<void> make_directory(const PackEntry& e) {
    directories_.push_back(&e);
    if (e.path == "/") return {};
    const auto at = walk_.parent(e.path);
    if (!at) return fail(at.error());
    if (::mkdirat(at->first, at->second.c_str(), 0700) != 0) return failed("make", e);
    return {};
  }

  Result<void> make_symlink(const PackEntry& e, int dir, const std::string& name) {
    const timespec times[2] = {{e.mtime, 0}, {e.mtime, 0}};
    if (::symlinkat(e.target.c_str(), dir, name.c_str()) != 0 ||
        ::fchownat(dir, name.c_str(), owner(e.uid), group(e.gid), AT_SYMLINK_NOFOLLOW) != 0 ||
        ::utimensat(dir, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
      return failed("make the link", e);
    return {};
  }

  Result<void> make_hard_link(const PackEntry& e) {
    const auto from = walk_.parent(e.hard_link);
    if (!from) return fail(from.error());
    // The walk keeps one descriptor only.
    const UniqueFd from_dir(::fcntl(from->first, F_DUPFD_CLOEXEC, 0));
    const auto to = walk_.parent(e.path);
    if (!to) return fail(to.error());
    if (::linkat(from_dir.get(), from->second.c_str(), to->first, to->second.c_str(), 0) != 0)
      return failed("make the link", e);
    return {};
  }

  Result<void> finish_directory(const PackEntry& e) {
    const auto fd = walk_.directory(e.path);
    if (!fd) return fail(fd.error());
    // By the path in /proc, as O_PATH descriptors take no fchmod.
    const std::string path = "/proc/self/fd/" + std::to_string(*fd);
    const timespec times[2] = {{e.mtime, 0}, {e.mtime, 0}};
    if (::chown(path.c_str(), owner(e.uid), group(e.gid)) != 0 ||
        ::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0 || ::chmod(path.c_str(), e.mode) != 0)
      return failed("finish the directory", e);
    return {};
  }

  DirWalk walk_;
  std::vector<Note>& notes_;
  const PackEntry* entry_ = nullptr;  // of the plan, which outlives the writer
  UniqueFd file_;
  uint64_t offset_ = 0;
  std::vector<const PackEntry*> directories_;
};

}  // namespace

Result<std::unique_ptr<Writer>> make_dir_writer(const std::string& directory,
                                                std::vector<Note>& notes) {
  auto walk = DirWalk::open(directory);
  if (!walk) return fail(walk.error());
  return std::unique_ptr<Writer>(std::make_unique<DirWriter>(*std::move(walk), notes));
}

}  // namespace fptrace::pack
