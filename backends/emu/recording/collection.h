#pragma once
#include <sys/stat.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backends/emu/guest/disk_range.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "fingerprint/pack/plan.h"

namespace fptrace::emu {

// Where the guest's kernel shows itself: nothing of this host is taken there.
inline constexpr const char* kMountPoints[] = {"/proc", "/sys", "/dev"};
bool is_mounted_in_guest(const std::string& path);

// The names of a path, with "." and empty ones left out.
std::vector<std::string> names_of(const std::string& path);

// The files of this host that a guest's disk will have, each at the path it has here.
class Collection {
 public:
  // `warn`: one sentence; may be null. It must outlive the object.
  explicit Collection(const std::function<void(const std::string&)>& warn) : warn_(warn) {}

  void add_planned(pack::PackEntry entry);
  // With every link and directory on the way. False when it is not there.
  bool add(const std::string& path);
  // The same, and all below it.
  bool add_tree(const std::string& path);
  // The same, if that is not more than so many files and bytes: with more, false, and the directory
  // has nothing in it but what was added otherwise.
  struct Limit {
    size_t files = 0;
    uint64_t bytes = 0;
  };
  bool add_tree(const std::string& path, Limit limit);
  // With the regular files that are in it, but no directories.
  void add_files_in(const std::string& directory);
  void add_mount_point(const std::string& path);

  // Programs, scripts and modules among what add_tree() added: regular files that somebody may
  // execute, or whose names end in .so.
  const std::vector<std::string>& programs() const { return programs_; }

  // Writes the disk, a new file; what it returns is DiskImage::finish()'s.
  Result<std::vector<DiskRange>> write(const std::string& path);

 private:
  // Where a path leads, all on the way added; empty when that is nowhere.
  std::string add_way(const std::string& path);
  bool add_one(const std::string& path);
  bool add_entry(const std::string& path, int directory, const char* name);
  void add_regular(pack::PackEntry& entry, const struct stat& st, int directory, const char* name);
  void walk(int parent, const char* name, const std::string& path);
  void warn(const std::string& sentence) {
    if (warn_) warn_(sentence);
  }

  const std::function<void(const std::string&)>& warn_;
  std::map<std::string, pack::PackEntry> entries_;  // by path: a directory before its contents
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
  std::vector<std::string> programs_;
};

}  // namespace fptrace::emu
