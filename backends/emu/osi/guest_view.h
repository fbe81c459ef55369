#pragma once
#include <cstdint>
#include <map>
#include <memory>

#include "backends/emu/osi/guest_file_system.h"
#include "backends/emu/osi/guest_names.h"

namespace fptrace::emu {

// A guest as somebody in it sees it whose root is `root`: names count from there. Each mount
// namespace has a file system of its own. Not thread-safe.
class GuestView {
 public:
  GuestView(const GuestKernel& kernel, Place root)
      : names_(kernel, root), own_(names_, root, overlays_) {}
  // As the guest's first process sees it; no place when there is none.
  static Place root_of_init(const GuestKernel& kernel);

  const GuestKernel& kernel() const { return names_.kernel(); }
  const GuestNames& names() const { return names_; }
  // Until the next call.
  GuestFileSystem& file_system_of(uint64_t task);
  // Of the namespace that the root is in.
  GuestFileSystem& file_system() { return own_; }
  // GuestFileSystem::remembers_all_of() the file system that the root is on.
  void remembers_all();
  // An overlay was mounted that is made of these directories, uppermost first.
  void learn_overlay(uint64_t super_block, std::vector<Place> layers) {
    overlays_[super_block] = std::move(layers);
  }

 private:
  struct Foreign {
    uint64_t number = 0;  // of the namespace: addresses are used again
    std::unique_ptr<GuestFileSystem> files;
  };
  GuestNames names_;
  Overlays overlays_;
  GuestFileSystem own_;
  uint64_t remembered_ = 0;
  std::map<uint64_t, Foreign> foreign_;  // by the address of the mount namespace
};

}  // namespace fptrace::emu
