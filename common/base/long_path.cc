#include "common/base/long_path.h"

#include <fcntl.h>

#include <climits>

namespace fptrace {

int PathAt::fd() const { return directory ? directory.get() : AT_FDCWD; }

Result<PathAt> split_long_path(const std::string& path) {
  PathAt at{UniqueFd(), path};
  while (at.rest.size() >= PATH_MAX) {
    const size_t cut = at.rest.rfind('/', PATH_MAX - 2);
    if (cut == std::string::npos || cut == 0)
      return fail(Errc::kIo, "name too long in " + path, ENAMETOOLONG);
    const std::string piece = at.rest.substr(0, cut);
    UniqueFd next(::openat(at.fd(), piece.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!next) return fail_errno("open " + piece);
    at.directory = std::move(next);
    at.rest.erase(0, cut + 1);
  }
  return at;
}

}  // namespace fptrace
