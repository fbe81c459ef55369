#pragma once
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace {

// A path of any length as arguments for the *at() calls: the kernel takes PATH_MAX bytes at once,
// but directories can be nested deeper.
struct PathAt {
  UniqueFd directory;
  std::string rest;
  int fd() const;  // AT_FDCWD when the whole path fits
};
Result<PathAt> split_long_path(const std::string& path);

}  // namespace fptrace
