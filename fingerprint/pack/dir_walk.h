#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::pack {

// Reaches what lies below one directory without ever following a symbolic link, so that no link,
// whoever puts it there and when, leads outside. Paths of any length. Not thread-safe.
class DirWalk {
 public:
  static Result<DirWalk> open(const std::string& root);

  // The descriptor (O_PATH) of a directory, "/" being the root; valid until the next call.
  Result<int> directory(std::string_view path);
  // The directory that `path` lies in, and its last component. `path` is not "/".
  Result<std::pair<int, std::string>> parent(std::string_view path);

 private:
  UniqueFd root_, last_;
  std::string last_path_;  // of last_; empty: none
};

// "/a/b" -> "/a", "/a" -> "/".
std::string parent_path(std::string_view path);

}  // namespace fptrace::pack
