#pragma once
#include <cstdint>
#include <string_view>

#include "backends/emu/osi/guest_names.h"

namespace fptrace::emu {

// fs/namei.c, hash_name(): what the kernel looks a name up by, below the dentry `parent`.
uint32_t dentry_hash(uint64_t parent, std::string_view name);

// Finds names among those that the kernel remembers (its dentry cache). Not thread-safe.
class DentryLookup {
 public:
  explicit DentryLookup(const GuestNames& names);

  // The dentry of `name` in the directory `parent`; 0: the kernel does not remember it.
  uint64_t child(uint64_t parent, std::string_view name);
  // What one gets to at `place`: the root of what is mounted there, however often, or itself.
  Place covered(Place place) const;

 private:
  enum class Hashing { kUntried, kWorks, kDiffers };
  uint64_t child_by_hash(uint64_t parent, std::string_view name) const;
  uint64_t child_in_list(uint64_t parent, std::string_view name);
  bool is_child(uint64_t dentry, uint64_t parent, std::string_view name) const;
  void try_hashing(uint64_t dentry, uint64_t parent);

  const GuestNames* names_;
  uint64_t hash_table_, hash_shift_;  // where the kernel has these two; 0: it does not tell
  // Kernels are configured to hash names in different ways: ours is tried on dentries first.
  Hashing hashing_ = Hashing::kUntried;
};

}  // namespace fptrace::emu
