#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/event/event.h"

namespace fptrace {

// The files below a directory as a process would see them that has it as its root: links, also
// absolute ones, and `..` stay within. What the names lead to is worked out step by step, because
// every link on the way is wanted.
class RootTree {
 public:
  // `root` "" is this host.
  explicit RootTree(std::string root) : root_(std::move(root)) {}

  struct Found {
    Lookup lookup;  // FileRef::path and the links as seen from within the root
    int error = 0;  // errno; `lookup.file.path` is then what would have been there
  };
  // `path` is absolute. Follows a link that is the last component.
  Found find(const std::string& path) const;

  // Of a path as Found has it: nothing on the way is a link.
  Result<UniqueFd> open(const std::string& canonical) const;
  // A regular file's first `most` bytes.
  Result<std::string> read(const std::string& canonical, size_t most) const;
  // Names in a directory, unsorted; none when it cannot be read.
  std::vector<std::string> list(const std::string& path) const;

 private:
  std::string root_;
};

}  // namespace fptrace
