#pragma once
#include <fcntl.h>

#include <cstdint>
#include <string>

#include "common/event/event.h"
#include "common/path/directory_cache.h"
#include "common/task/task_view.h"

namespace fptrace {

// What happens to a symbolic link that is the last component.
enum class LastLink : uint8_t {
  kFollow,  // stat, open
  kKeep,    // lstat, O_NOFOLLOW; followed all the same when a slash stands behind it
  kName,    // the name is what matters: mkdir, unlink, rename; never followed
};

// A path as a call names it.
struct PathRequest {
  int dirfd = AT_FDCWD;
  std::string path;
  LastLink last = LastLink::kFollow;
  bool empty_is_dirfd = false;  // AT_EMPTY_PATH
  uint64_t resolve = 0;         // RESOLVE_* of openat2
};

struct Resolution {
  Lookup lookup;
  int32_t error = 0;  // errno of the lookup, positive
  // False: the kernel may well find another result, because the lookup went through procfs, a
  // removed directory, or something that the tracer was not allowed to see.
  bool certain = true;
  // Where FileSystem::read_head finds the content: the canonical path, or the magic link that led
  // to a file which has no path (any more).
  std::string content_path;
};

// Follows paths as the kernel does (path_resolution(7), openat2(2)) for one task at a time, and
// keeps what the kernel does not tell: every link on the way. Looks only, never opens anything.
//
// Costs two calls of FileSystem::lstat for a path whose directory is known and has no links.
// Not thread-safe.
class PathResolver {
 public:
  Resolution resolve(TaskView& task, const PathRequest& request);

  // The tree changed in a way that directories kept from earlier lookups cannot show by themselves
  // (see DirectoryCache): a directory or link renamed, something mounted.
  void forget_directories() { cache_.clear(); }

 private:
  DirectoryCache cache_;
};

}  // namespace fptrace
