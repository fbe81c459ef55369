#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backends/emu/osi/dentry_lookup.h"
#include "backends/emu/osi/guest_names.h"
#include "backends/emu/osi/guest_tasks.h"
#include "backends/emu/osi/proc_path.h"
#include "common/task/file_system.h"

namespace fptrace::emu {

// The directories that overlays are made of, uppermost first, by the address of the super block.
using Overlays = std::map<uint64_t, std::vector<Place>>;

// The file system of a guest as its kernel has it in memory: the tree of one mount namespace.
//
// The kernel remembers what it was asked for, also that a name is not there. So it knows every
// component of a path right after a system call that looked it up, but not always before. What it
// does not remember is an error without an errno (Error::sys 0): ask again when the call is over.
class GuestFileSystem final : public FileSystem {
 public:
  // `start`: where paths begin. `names`: what FileRef::path of files that are found in other ways
  // counts from.
  // `overlays` are those known so far; it must outlive the object.
  GuestFileSystem(const GuestNames& names, Place start, const Overlays& overlays)
      : names_(names), start_(start), dentries_(names_), overlays_(overlays) {}
  // Dentries are looked up by way of our own names_.
  GuestFileSystem(const GuestFileSystem&) = delete;
  GuestFileSystem& operator=(const GuestFileSystem&) = delete;

  // Who asks: the content of /proc/self and /proc/thread-self. Until the next call.
  void set_reader(pid_t pid, pid_t tid) { reader_ = {pid, tid}; }

  // Every name of that file system was looked up once, and the guest has memory enough: what its
  // kernel does not remember of it is not there. Address of a super block; 0: of none.
  void remembers_all_of(uint64_t super_block) { remembered_ = super_block; }

  Result<FileRef> lstat(const std::string& path) override;
  Result<std::string> readlink(const std::string& path) override;
  Result<std::string> read_head(const std::string& path, size_t size) override;
  Result<std::string> read_at(const std::string& path, uint64_t offset, size_t size) override;
  Result<FileRef> follow_magic(const std::string& path) override;
  // Of a device that lstat() has met.
  bool is_procfs(uint64_t dev) const override { return procfs_.contains(dev); }

  const GuestNames& names() const { return names_; }
  // A file that was not found by its path: with its source (FileRef::source).
  Result<FileRef> file(Place place);
  // Where `path` leads; only its last component may be a symbolic link, and is not followed.
  Result<Place> find(const std::string& path);

 private:
  Result<Place> step(Place from, std::string_view name, const std::string& path);
  Result<uint64_t> inode_of(const std::string& path, Place place) const;
  std::string type_of(uint64_t inode) const;  // of its file system
  bool keeps_all_in_memory(uint64_t inode) const;
  Result<std::string> content(uint64_t inode, uint64_t offset, size_t size,
                              const std::string& path) const;
  Result<std::string> proc_link(uint64_t dentry, uint64_t inode, const std::string& path) const;
  std::string source(Place place);
  std::string layer_source(Place place, const std::vector<Place>& layers);
  bool is_below(uint64_t dentry, uint64_t directory) const;
  bool is_visible(Place place) const;
  Result<Place> magic_place(const std::string& path);
  // Of procfs, where the kernel has made nothing of it yet.
  std::optional<ProcPath> proc_path(const std::string& path);
  uint64_t task_of(const ProcPath& path) const;  // 0: there is none
  Place target_of(const ProcPath& path) const;   // of a link that leads to an object
  uint32_t link_mode(const ProcPath& link) const;
  Result<FileRef> proc_file(const ProcPath& path, const std::string& name);

  GuestNames names_;
  Place start_;
  DentryLookup dentries_;
  const Overlays& overlays_;
  std::pair<pid_t, pid_t> reader_{1, 1};
  uint64_t remembered_ = 0;
  std::set<uint64_t> procfs_;  // the devices of those that were met
};

}  // namespace fptrace::emu
