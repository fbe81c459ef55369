#include "common/content/open_to_read.h"

#include <fcntl.h>

#include "common/base/long_path.h"

namespace fptrace {

int open_to_read(const std::string& path, int extra_flags) {
  const auto at = split_long_path(path);
  if (!at) return -1;
  return ::openat(at->fd(), at->rest.c_str(),
                  O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | extra_flags);
}

}  // namespace fptrace
