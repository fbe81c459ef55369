#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "backends/emu/osi/guest_kernel.h"
#include "common/event/event.h"

namespace fptrace::emu {

// Where something stands in the tree: the kernel's struct path. Addresses of a struct mount (not of
// the vfsmount in it) and of a struct dentry.
struct Place {
  uint64_t mount = 0, dentry = 0;
  explicit operator bool() const { return mount != 0 && dentry != 0; }
  bool operator==(const Place&) const = default;
};

struct PlaceName {
  std::string path;      // as FileRef::path
  bool deleted = false;  // its name is no longer there
};

// The names and the properties of files, as the kernel's dentries and inodes have them.
class GuestNames {
 public:
  // `root`: the directory that paths count from; what does not lie below it is named from the top
  // of its own tree.
  GuestNames(const GuestKernel& kernel, Place root) : kernel_(&kernel), root_(root) {}

  const GuestKernel& kernel() const { return *kernel_; }
  Place root() const { return root_; }

  // Of a `struct path` whose members lie at `mnt` and `dentry` in `object`.
  Place place(uint64_t object, Member mnt, Member dentry) const;
  Place root_of(uint64_t task) const;
  Place cwd_of(uint64_t task) const;
  Place place_of_file(uint64_t file) const;

  // nullopt: what is there is no place (a guest's memory may hold anything).
  std::optional<PlaceName> name(Place place) const;
  // One component; empty when it cannot be read.
  std::string component(uint64_t dentry) const;
  // Of its file system: "ext4".
  std::string type_of_super_block(uint64_t super_block) const;
  uint64_t dev_of(uint64_t super_block) const;  // as st_dev

  // All but the path. ino 0: no inode (a name that is known not to be there).
  FileRef properties(uint64_t inode) const;
  FileRef properties(Place place) const;
  // With its path.
  std::optional<FileRef> file(Place place) const;

 private:
  std::optional<PlaceName> own_name(Place place, uint64_t inode) const;
  std::string namespace_name(uint64_t dentry, uint64_t inode) const;
  int64_t time(uint64_t inode, Member whole, Member sec, Member nsec) const;

  const GuestKernel* kernel_;
  Place root_;
};

}  // namespace fptrace::emu
