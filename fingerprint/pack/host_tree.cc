#include "fingerprint/pack/host_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace fptrace::pack {
namespace {

constexpr uint64_t kSparseFrom = uint64_t{64} << 10;  // smaller ones are not worth a map

FileType type_of(unsigned char d_type, int dir, const char* name) {
  struct stat st {};
  switch (d_type) {
    case DT_REG:
      return FileType::kRegular;
    case DT_DIR:
      return FileType::kDirectory;
    case DT_LNK:
      return FileType::kSymlink;
    case DT_UNKNOWN:
      if (::fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) return file_type(st.st_mode);
      return FileType::kFifo;
    default:
      return FileType::kFifo;
  }
}

}  // namespace

Result<HostTree> HostTree::open(const std::string& root) {
  auto walk = DirWalk::open(root);
  if (!walk) return fail(walk.error());
  return HostTree(*std::move(walk));
}

Result<struct stat> HostTree::look(const std::string& path) {
  struct stat st {};
  if (path == "/") {
    const auto fd = walk_.directory(path);
    if (!fd) return fail(fd.error());
    if (::fstat(*fd, &st) != 0) return fail_errno("look at /");
    return st;
  }
  const auto at = walk_.parent(path);
  if (!at) return fail(at.error());
  if (::fstatat(at->first, at->second.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("look at " + path);
  return st;
}

Result<std::string> HostTree::read_link(const std::string& path) {
  const auto at = walk_.parent(path);
  if (!at) return fail(at.error());
  std::string target(4096, '\0');  // PATH_MAX: the kernel makes none that is longer
  const ssize_t n = ::readlinkat(at->first, at->second.c_str(), target.data(), target.size());
  if (n < 0) return fail_errno("read the link " + path);
  target.resize(size_t(n));
  return target;
}

Result<UniqueFd> HostTree::open_file(const std::string& path) {
  const auto at = walk_.parent(path);
  if (!at) return fail(at.error());
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd fd(::openat(at->first, at->second.c_str(), kFlags));
  if (!fd) return fail_errno("read " + path);
  return fd;
}

Result<std::vector<std::pair<std::string, FileType>>> HostTree::list(const std::string& path) {
  const auto at = walk_.directory(path);
  if (!at) return fail(at.error());
  UniqueFd fd(::openat(*at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("list " + path);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), &::closedir);
  if (!dir) return fail_errno("list " + path);
  (void)fd.release();  // closedir closes it
  std::vector<std::pair<std::string, FileType>> out;
  for (errno = 0; const dirent* e = ::readdir(dir.get()); errno = 0) {
    const std::string name = e->d_name;
    if (name == "." || name == "..") continue;
    out.emplace_back(name, type_of(e->d_type, ::dirfd(dir.get()), e->d_name));
  }
  if (errno != 0) return fail_errno("list " + path);
  std::ranges::sort(out);
  return out;
}

std::vector<std::pair<std::string, std::string>> read_xattrs(int fd) {
  std::vector<std::pair<std::string, std::string>> out;
  std::string names(size_t(64) * 1024, '\0');  // XATTR_LIST_MAX
  const ssize_t n = ::flistxattr(fd, names.data(), names.size());
  if (n <= 0) return out;  // none, or a file system that knows none
  names.resize(size_t(n));
  std::string value(size_t(64) * 1024, '\0');  // XATTR_SIZE_MAX
  for (size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
    const std::string name = names.c_str() + at;
    if (!name.starts_with("user.") && name != "security.capability") continue;
    const ssize_t length = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
    if (length >= 0) out.emplace_back(name, value.substr(0, size_t(length)));
  }
  std::ranges::sort(out);
  return out;
}

std::optional<std::vector<Extent>> read_extents(int fd, const struct stat& st) {
  const auto size = uint64_t(st.st_size);
  if (size < kSparseFrom || uint64_t(st.st_blocks) * 512 >= size) return std::nullopt;
  std::vector<Extent> out;
  for (off_t at = 0; at < st.st_size;) {
    const off_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return out;  // nothing but a hole behind `at`
    const off_t hole = data < 0 ? -1 : ::lseek(fd, data, SEEK_HOLE);
    if (hole <= data) return std::nullopt;  // not told: compressed by the file system, say
    if (data != 0 || hole < st.st_size)
      out.push_back({uint64_t(data), uint64_t(hole - data)});
    else
      return std::nullopt;
    at = hole;
  }
  return out;
}

}  // namespace fptrace::pack
