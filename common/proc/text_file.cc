#include "common/proc/text_file.h"

#include <fcntl.h>

#include "common/base/unique_fd.h"

namespace fptrace {

Result<std::string> read_text_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  std::string text;
  char buf[16384];
  ssize_t n;
  while ((n = ::read(fd.get(), buf, sizeof buf)) > 0) text.append(buf, size_t(n));
  if (n < 0) return fail_errno("read " + path);
  return text;
}

}  // namespace fptrace
