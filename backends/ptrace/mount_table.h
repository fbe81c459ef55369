#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "common/event/event.h"
#include "common/proc/mountinfo.h"

namespace fptrace::ptrace {

// Says where a file that is seen through a bind mount or an overlay comes from.
class MountTable {
 public:
  // `mountinfo`: of the namespace that the files are seen in ("/proc/self/mountinfo" for ours).
  // `root`: the directory its mount points are relative to, when the reading task did a chroot.
  MountTable(std::string mountinfo, std::string root);

  // The path on this host of the directory entry behind `file` (with path, dev, ino, mount set);
  // empty when that is the path itself, or is not to be seen from here.
  std::string source(const FileRef& file);
  // Mounts have changed: their numbers may be used again.
  void forget();

 private:
  // Mounts that another place of this host may show too; the rest have no entry.
  struct Indirect {
    Mount mount;
    std::vector<std::string> layers;  // overlay: directories, uppermost first
    std::vector<Mount> others;        // the same file system elsewhere on this host
  };
  void refresh();

  std::string mountinfo_, root_;
  std::unordered_map<uint64_t, bool> known_;  // every mount id met so far
  std::unordered_map<uint64_t, Indirect> indirect_;
};

}  // namespace fptrace::ptrace
