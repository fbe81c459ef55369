#include "fingerprint/packages/root_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

namespace fptrace {
namespace {

// A pipe where a database should be must not keep us waiting. With O_PATH nothing is waited for,
// and openat2 refuses other flags.
int safe(int flags) {
  return flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY | O_NONBLOCK);
}

int open_in_root(int root, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return int(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

}  // namespace

RootDir::RootDir(std::string root) : root_(std::move(root)) {
  while (root_.ends_with('/')) root_.pop_back();
  if (root_.empty()) return;
  fd_ = UniqueFd(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd_) error_ = errno;
}

Result<UniqueFd> RootDir::open(const std::string& path, int flags) const {
  const std::string what = "open " + shown(path);
  if (error_ != 0) return fail_errno(what, error_);
  // A NUL byte cannot be part of a path; open(2) would take what stands before it.
  if (path.find('\0') != path.npos) return fail_errno("open " + root_, EINVAL);
  UniqueFd fd(root_.empty() ? ::open(path.c_str(), safe(flags))
                            : open_in_root(fd_.get(), path.c_str(), safe(flags)));
  if (!fd && errno == ENOSYS) return fail_errno(what + ": openat2, which Linux 5.6 brought");
  if (!fd) return fail_errno(what);
  return fd;
}

Result<std::string> RootDir::read(const std::string& path, size_t most) const {
  auto fd = open(path, O_RDONLY);
  if (!fd) return fail(fd.error());
  struct stat st {};
  if (::fstat(fd->get(), &st) != 0) return fail_errno("fstat " + shown(path));
  if (!S_ISREG(st.st_mode)) return fail(Errc::kIo, shown(path) + ": not a regular file");
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t n = ::read(fd->get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + shown(path));
    if (n == 0) return text;
    text.append(buffer.data(), size_t(n));
    if (text.size() > most) {
      return fail(Errc::kIo, shown(path) + ": more than " + std::to_string(most) + " bytes");
    }
  }
}

Result<std::vector<std::string>> RootDir::list(const std::string& path, size_t most) const {
  auto fd = open(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fail(fd.error());
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd->get()), &::closedir);
  if (!dir) return fail_errno("fdopendir " + shown(path));
  (void)fd->release();  // the DIR's now
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == most) {
      return fail(Errc::kIo, shown(path) + ": more than " + std::to_string(most) + " entries");
    }
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool RootDir::exists(const std::string& path) const { return bool(open(path, O_PATH)); }

bool RootDir::is_directory(const std::string& path) const {
  return bool(open(path, O_PATH | O_NOFOLLOW | O_DIRECTORY));
}

std::string RootDir::link_target(const std::string& path) const {
  const auto fd = open(path, O_PATH | O_NOFOLLOW);
  std::array<char, PATH_MAX> target;
  const ssize_t n = fd ? ::readlinkat(fd->get(), "", target.data(), target.size()) : -1;
  return n < 0 ? "" : std::string(target.data(), size_t(n));
}

std::string normalized(const std::string& base, std::string_view path) {
  std::string out;
  const auto apply = [&](std::string_view part) {
    for (size_t at = 0; at < part.size();) {
      const size_t end = std::min(part.find('/', at), part.size());
      const std::string_view name = part.substr(at, end - at);
      if (name == "..") {
        out.resize(std::min(out.rfind('/'), out.size()));
      } else if (!name.empty() && name != ".") {
        out.append("/").append(name);
      }
      at = end + 1;
    }
  };
  if (!path.starts_with('/')) apply(base);
  apply(path);
  return out.empty() ? "/" : out;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

}  // namespace fptrace
