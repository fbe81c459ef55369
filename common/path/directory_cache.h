#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/task/file_system.h"

namespace fptrace {

// What a lookup went through and does not show in its result: a symbolic link that it followed, or
// a directory that it left by `..`; with what tells it from a later one of the same name.
struct Waypoint {
  std::string path;  // canonical
  uint64_t dev = 0, ino = 0;
  bool is_link = false;
  int64_t ctime_ns = 0;  // of a link
};

// A directory that some spelling of a path led to.
struct KnownDirectory {
  std::string path;  // canonical
  uint64_t dev = 0, ino = 0;
  std::vector<Waypoint> way;  // in order
};

// Remembers which directories path prefixes lead to, so that a lookup does not ask about each
// component again. What it answers is verified by asking the file system, at every use:
//
// - the canonical directory must be the same inode as before: it was not removed, renamed,
//   replaced or covered by a mount;
// - every link on the way must be the same inode with the same ctime: a link's content cannot be
//   changed without making a new inode, and reused inode numbers differ in ctime;
// - so must every directory that was left by `..` be the same inode.
//
// What that cannot see: a directory on the way was renamed, and a new link of its old name leads to
// it. The canonical path would then be stale though the inode is right. Therefore the owner clears
// the cache when a traced program renames a directory; only another program's doing can fool it.
class DirectoryCache {
 public:
  // nullptr when unknown or no longer true. Valid until the next call of a non-const member.
  const KnownDirectory* find(std::string_view key, FileSystem& fs);
  void insert(const std::string& key, KnownDirectory directory);
  void clear();
  size_t bytes() const { return bytes_; }  // that the entries occupy, about

  static constexpr size_t kMostBytes = 16 << 20;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  std::unordered_map<std::string, KnownDirectory, Hash, std::equal_to<>> known_;
  size_t bytes_ = 0;
};

}  // namespace fptrace
