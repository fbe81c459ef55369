#include "fingerprint/pack/dir_walk.h"

#include <fcntl.h>

namespace fptrace::pack {
namespace {

constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

std::string parent_path(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos || slash == 0 ? "/" : std::string(path.substr(0, slash));
}

Result<DirWalk> DirWalk::open(const std::string& root) {
  DirWalk walk;
  // The root itself may be a link: it is the user who named it.
  walk.root_ =
      UniqueFd(::open(root.empty() ? "/" : root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!walk.root_) return fail_errno("open " + root);
  return walk;
}

Result<int> DirWalk::directory(std::string_view path) {
  if (path == "/") return root_.get();
  if (!last_path_.empty() && path == last_path_) return last_.get();
  // Files come sorted: the next directory is mostly below the last one.
  const bool below =
      !last_path_.empty() && path.starts_with(last_path_) && path[last_path_.size()] == '/';
  UniqueFd reached;
  int from = below ? last_.get() : root_.get();
  for (size_t at = below ? last_path_.size() : 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string name(path.substr(at + 1, end - at - 1));
    UniqueFd next(::openat(from, name.c_str(), kFlags));
    if (!next) return fail_errno("open " + std::string(path.substr(0, end)));
    reached = std::move(next);
    from = reached.get();
    at = end;
  }
  last_ = std::move(reached);
  last_path_ = path;
  return last_.get();
}

Result<std::pair<int, std::string>> DirWalk::parent(std::string_view path) {
  const std::string dir = parent_path(path);
  auto fd = directory(dir);
  if (!fd) return fail(fd.error());
  return std::pair{*fd, std::string(path.substr(dir == "/" ? 1 : dir.size() + 1))};
}

}  // namespace fptrace::pack
