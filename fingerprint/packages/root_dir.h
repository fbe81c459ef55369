#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace {

// A directory taken as the root: what is below it cannot lead out, neither by `..` nor by links
// (openat2(2), RESOLVE_IN_ROOT). Paths are absolute, seen from inside.
class RootDir {
 public:
  static constexpr size_t kMostBytes = 256u << 20;

  // `root` "" is this host. One that is not there shows at the first use.
  explicit RootDir(std::string root);

  Result<UniqueFd> open(const std::string& path, int flags) const;
  // The content of a regular file. Anything else, or more than `most` bytes, is an error.
  Result<std::string> read(const std::string& path, size_t most = kMostBytes) const;
  // Names in a directory, sorted, without "." and "..".
  Result<std::vector<std::string>> list(const std::string& path, size_t most = 1'000'000) const;
  bool exists(const std::string& path) const;
  // Without following a link that `path` itself is.
  bool is_directory(const std::string& path) const;
  // What a symbolic link says; empty when `path` is none.
  std::string link_target(const std::string& path) const;
  // The path as the host sees it, for messages.
  std::string shown(const std::string& path) const { return root_ + path; }

 private:
  std::string root_;  // "" or without a slash at its end
  UniqueFd fd_;       // of the root; none for this host
  int error_ = 0;     // why there is none
};

// Lexically: no "." and "..", no doubled slashes. Nothing climbs above "/".
std::string normalized(const std::string& base, std::string_view path);
// The directory of an absolute path: "/a" of "/a/b", "/" of "/a".
std::string parent_of(const std::string& path);

}  // namespace fptrace
