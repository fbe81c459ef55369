#include "fingerprint/root_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <deque>

namespace fptrace {
namespace {

constexpr int kMostLinks = 40;  // as the kernel: path_resolution(7)
// Links can blow a short path up exponentially within kMostLinks; no real path comes near.
constexpr size_t kMostComponents = 100'000;

Result<std::string> read_link_at(int fd) {
  std::array<char, PATH_MAX> target;
  const ssize_t n = ::readlinkat(fd, "", target.data(), target.size());
  if (n < 0) return fail_errno("readlink");
  return std::string(target.data(), size_t(n));
}

// One lookup: the directories that it is in, from the root downwards, and what is left to do.
class Walk {
 public:
  Walk(int root, bool follow) : root_(root), follow_(follow) {}

  PathLookup run(const std::string& path) {
    if (path.find('\0') != path.npos) return lost(EINVAL, path.substr(0, path.find('\0')));
    push(path);
    while (!todo_.empty()) {
      const std::string name = std::move(todo_.front());
      todo_.pop_front();
      if (++components_ > kMostComponents) return lost(ELOOP, name);
      if (const int error = step(name); error != 0) return lost(error, name);
    }
    return finish();
  }

 private:
  struct Level {
    UniqueFd fd;
    std::string name;
  };

  int top() const { return levels_.empty() ? root_ : levels_.back().fd.get(); }

  std::string here() const {
    std::string path;
    for (const Level& level : levels_) path += "/" + level.name;
    return path;
  }

  // A slash at the end asks for a directory: it becomes a component "." of its own.
  void push(const std::string& path) {
    std::deque<std::string> parts;
    for (size_t at = 0; at < path.size();) {
      const size_t end = std::min(path.find('/', at), path.size());
      if (end > at) parts.push_back(path.substr(at, end - at));
      at = end + 1;
    }
    if (path.ends_with('/')) parts.push_back(".");
    todo_.insert(todo_.begin(), parts.begin(), parts.end());
  }

  // 0, or the errno with which the lookup fails.
  int step(const std::string& name) {
    struct stat st;
    if (name == "." || name == "..") {
      if (::fstat(top(), &st) != 0) return errno;
      if (!S_ISDIR(st.st_mode)) return ENOTDIR;
      if (name == ".." && !levels_.empty()) levels_.pop_back();  // the root is its own parent
      return 0;
    }
    UniqueFd fd(::openat(top(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::fstat(fd.get(), &st) != 0) return errno;
    if (!S_ISLNK(st.st_mode) || (todo_.empty() && !follow_)) {
      levels_.push_back({std::move(fd), name});
      return 0;
    }
    return follow(fd.get(), name);
  }

  int follow(int fd, const std::string& name) {
    if (int(links_.size()) == kMostLinks) return ELOOP;
    auto target = read_link_at(fd);
    if (!target) return target.error().sys;
    links_.push_back(here() + "/" + name);
    if (target->empty()) return ENOENT;
    target_ = *target;
    if (target->starts_with('/')) levels_.clear();
    push(*target);
    return 0;
  }

  PathLookup lost(int error, const std::string& name) const {
    LostPath out{error, here(), links_.empty() ? "" : links_.back(), target_};
    if (error != ENOTDIR) out.at += "/" + name;
    return {std::nullopt, std::move(out)};
  }

  PathLookup finish() {
    FoundPath out;
    out.path = levels_.empty() ? "/" : here();
    out.links = std::move(links_);
    out.fd = levels_.empty() ? UniqueFd(::openat(root_, ".", O_PATH | O_CLOEXEC))
                             : std::move(levels_.back().fd);
    if (!out.fd || ::fstat(out.fd.get(), &out.st) != 0) return lost(errno, "");
    return {std::move(out), {}};
  }

  int root_;
  bool follow_;
  std::vector<Level> levels_;
  std::deque<std::string> todo_;
  std::vector<std::string> links_;
  std::string target_;  // of the last of links_
  size_t components_ = 0;
};

}  // namespace

Result<RootDirectory> RootDirectory::open(const std::string& path) {
  RootDirectory root(path.empty() ? "/" : path);
  // Not O_PATH: a root that cannot be read is told at once, not file by file.
  root.fd_ = UniqueFd(::open(root.name_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.fd_) return fail_errno("open root " + root.name_);
  struct stat mine, host;
  if (::fstat(root.fd_.get(), &mine) != 0) return fail_errno("open root " + root.name_);
  root.host_ = ::stat("/", &host) == 0 && host.st_dev == mine.st_dev && host.st_ino == mine.st_ino;
  return root;
}

PathLookup RootDirectory::find(const std::string& path, bool follow) const {
  return Walk(fd_.get(), follow).run(path);
}

Result<UniqueFd> RootDirectory::open_for_reading(const FoundPath& file) {
  if (!S_ISREG(file.st.st_mode)) return fail(Errc::kIo, file.path + ": not a regular file");
  // proc(5): opens the very file that the descriptor names, with no second lookup.
  const std::string name = "/proc/self/fd/" + std::to_string(file.fd.get());
  UniqueFd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail_errno("open " + file.path);
  return fd;
}

Result<std::string> read_link(const FoundPath& link) { return read_link_at(link.fd.get()); }

}  // namespace fptrace
