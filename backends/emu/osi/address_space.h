#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backends/emu/osi/guest_names.h"
#include "backends/emu/osi/page_cache.h"

namespace fptrace::emu {

// One piece of a process's address space, as the kernel's vm_area_struct has it; `end` is
// exclusive.
struct GuestMapping {
  uint64_t begin = 0, end = 0;
  uint64_t file_offset = 0;  // in bytes; of a mapped file only
  bool readable = false, writable = false, executable = false, shared = false;
  uint64_t file = 0;  // address of its struct file; 0: anonymous
  uint64_t vma = 0;   // address of its vm_area_struct
};

// The address space of one process: an mm_struct, given by its address. Nothing is kept.
class AddressSpace {
 public:
  AddressSpace(const GuestNames& names, uint64_t mm) : names_(&names), mm_(mm) {}

  bool exists() const { return mm_ != 0; }
  // By address. The vsyscall page is none: the kernel only pretends so in /proc/PID/maps.
  std::vector<GuestMapping> mappings() const;
  std::optional<GuestMapping> mapping_at(uint64_t vaddr) const;
  // As the kernel prints it: a path, "[heap]", or empty.
  PlaceName name(const GuestMapping& mapping) const;

  // How many bytes could be read before the first that the process could not read itself, or whose
  // content is not in the guest's memory. Pages that the process has not touched yet read as what
  // it would find.
  size_t read(uint64_t vaddr, std::span<std::byte> out) const;
  // The same by the page tables that `cr3` points to, which must be those of this address space.
  std::optional<PageTables> page_tables() const;
  const GuestMemory& memory() const { return names_->kernel().memory(); }

  // Strings between two addresses, each ended by a NUL (proc(5), cmdline).
  std::vector<std::string> arguments() const;
  std::vector<std::string> environment() const;
  Place executable() const;

 private:
  size_t read_untouched(uint64_t vaddr, std::span<std::byte> out) const;
  std::optional<GuestMapping> mapping(uint64_t vma) const;
  std::string read_range(uint64_t begin, uint64_t end) const;

  const GuestNames* names_;
  uint64_t mm_;
};

}  // namespace fptrace::emu
