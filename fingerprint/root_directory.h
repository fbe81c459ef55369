#pragma once
#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// A path that leads to something.
struct FoundPath {
  UniqueFd fd;                     // O_PATH: names the file, does not open it
  struct stat st {};               // of what it leads to
  std::string path;                // canonical, from the root
  std::vector<std::string> links;  // symbolic links that were followed, canonical, in order
};

// How far a path leads that leads to nothing.
struct LostPath {
  int error = 0;    // ENOENT, ENOTDIR, ELOOP, EACCES, ...
  std::string at;   // canonical path of the first component that could not be passed
  std::string via;  // the last symbolic link on the way there, canonical; empty: none
  std::string via_target;
  bool operator==(const LostPath&) const = default;
};

struct PathLookup {
  std::optional<FoundPath> found;
  LostPath lost;  // when not found
};

// A directory taken as the root of a file system, as chroot(2) would: absolute links and `..` stay
// inside it, whatever its files say. Looks up one component after the other from a descriptor, so
// that changes meanwhile cannot lead outside either. May be used by several threads at once.
class RootDirectory {
 public:
  // "" and "/" are this host.
  static Result<RootDirectory> open(const std::string& path);

  // `follow`: a symbolic link as the last component is followed. `path` is taken from the root,
  // with or without a slash in front.
  PathLookup find(const std::string& path, bool follow = true) const;
  // Opens a regular file for reading; never waits for the other end of a pipe.
  static Result<UniqueFd> open_for_reading(const FoundPath& file);
  // To read from it by name.
  const RootDir& files() const { return files_; }

  bool is_host() const { return host_; }
  const std::string& name() const { return name_; }

 private:
  explicit RootDirectory(const std::string& path) : files_(path), name_(path) {}
  RootDir files_;
  UniqueFd fd_;
  bool host_ = false;
  std::string name_;
};

// The target of a symbolic link that `link` names.
Result<std::string> read_link(const FoundPath& link);

}  // namespace fptrace
