#pragma once
#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "fingerprint/pack/dir_walk.h"
#include "fingerprint/pack/plan.h"

namespace fptrace::pack {

// The files to be packed, as they lie below a root now. Paths are canonical: a symbolic link that
// by now stands for a directory of the path is an error, not followed.
class HostTree {
 public:
  static Result<HostTree> open(const std::string& root);

  Result<struct stat> look(const std::string& path);  // lstat
  Result<std::string> read_link(const std::string& path);
  // For reading; nothing that would block or act (a pipe, a device) is opened.
  Result<UniqueFd> open_file(const std::string& path);
  // Names and types, sorted; type kFifo stands for all that is neither file, directory nor link.
  Result<std::vector<std::pair<std::string, FileType>>> list(const std::string& path);

 private:
  explicit HostTree(DirWalk walk) : walk_(std::move(walk)) {}
  DirWalk walk_;
};

// The attributes that belong to the content of a file: user.* and security.capability. Others
// (SELinux labels, say) belong to the machine.
std::vector<std::pair<std::string, std::string>> read_xattrs(int fd);
// Where a file that takes less room than it is long holds data; nullopt for any other.
std::optional<std::vector<Extent>> read_extents(int fd, const struct stat& st);

}  // namespace fptrace::pack
