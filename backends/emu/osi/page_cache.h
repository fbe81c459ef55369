#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "backends/emu/osi/guest_kernel.h"
#include "common/base/result.h"

namespace fptrace::emu {

// The content of files as far as the guest has it in memory (its page cache).
class PageCache {
 public:
  explicit PageCache(const GuestKernel& kernel) : kernel_(&kernel) {}

  // Copies from `offset` of the file whose inode it is; how many bytes there were before its end or
  // the first page that is not in memory. `holes_are_zero`: of a file system that has its files
  // nowhere else, what is not there was never written.
  size_t read(uint64_t inode, uint64_t offset, std::span<std::byte> out, bool holes_are_zero) const;

  // Physical address of page `index` of an address_space. kAbsent: not there; kUnknown: it is, but
  // not readable (on its way from the disk, swapped out).
  static constexpr uint64_t kAbsent = ~uint64_t{0}, kUnknown = kAbsent - 1;
  uint64_t page(uint64_t address_space, uint64_t index) const;
  // Whether page `index` belongs to this struct page (to this folio, that is).
  bool holds(uint64_t address_space, uint64_t index, uint64_t page) const {
    return entry(address_space, index) == page;
  }

 private:
  uint64_t entry(uint64_t address_space, uint64_t index) const;

  const GuestKernel* kernel_;
};

}  // namespace fptrace::emu
