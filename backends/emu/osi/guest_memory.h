#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::emu {

// What a CPU's CR3 points to, with the number of levels that CR4.LA57 says. The low twelve bits of
// CR3 (PCID) are ignored, so the register's value can be given as it is.
struct PageTables {
  PageTables(uint64_t cr3_value, bool levels_are_five = false)
      : cr3(cr3_value), five_levels(levels_are_five) {}
  uint64_t cr3;
  bool five_levels;
};

// The physical memory of a guest, read only: the file behind QEMU's memory-backend-file, mapped.
// What it holds is the guest's and so hostile: nothing read from it is trusted, and an address that
// leads nowhere reads as nothing. The guest may go on writing while we read; a value that decides
// anything is to be copied out once and then checked.
class GuestMemory {
 public:
  // RAM that does not fit below the hole for devices goes on at 4 GiB.
  static constexpr uint64_t kHighBase = uint64_t{1} << 32;
  // How many bytes of `size` lie below the hole on QEMU's `pc` machine (hw/i386/pc_piix.c).
  static constexpr uint64_t pc_low_size(uint64_t size) {
    return size >= 0xe0000000 ? 0xc0000000 : size;
  }

  // Maps the whole file at `path`.
  static Result<GuestMemory> open(const std::string& path);
  // Of memory that the caller owns and keeps; `low_size` bytes of it lie at 0, the rest at 4 GiB.
  static GuestMemory over(std::span<const std::byte> bytes, uint64_t low_size);
  static GuestMemory over(std::span<const std::byte> bytes) { return over(bytes, bytes.size()); }

  GuestMemory(GuestMemory&& other) noexcept;
  GuestMemory& operator=(GuestMemory&& other) noexcept;
  ~GuestMemory();

  // How many bytes there were before the end of a piece of RAM.
  size_t read_physical(uint64_t paddr, std::span<std::byte> out) const;
  // Where the guest's memory from there on is, up to the end of its piece of RAM; may be empty.
  // What is read twice from it may differ.
  std::span<const std::byte> physical_from(uint64_t paddr) const {
    const bool is_high = paddr >= kHighBase;
    const auto piece = is_high ? high() : low();
    const uint64_t offset = is_high ? paddr - kHighBase : paddr;
    return offset < piece.size() ? piece.subspan(size_t(offset)) : std::span<const std::byte>();
  }
  // Where `vaddr` lies, by the page tables as the CPU walks them; nullopt when it is not mapped.
  // Permissions are not looked at.
  std::optional<uint64_t> translate(PageTables tables, uint64_t vaddr) const;
  // Whether the walk ends at an entry that is all zero: the page was never there, neither taken
  // away for a while (swapped out) nor made inaccessible.
  bool is_untouched(PageTables tables, uint64_t vaddr) const;
  // How many bytes there were before the first page that is not mapped.
  size_t read_virtual(PageTables tables, uint64_t vaddr, std::span<std::byte> out) const;

  template <class T>
  std::optional<T> physical(uint64_t paddr) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    if (read_physical(paddr, std::as_writable_bytes(std::span(&value, 1))) != sizeof value)
      return std::nullopt;
    return value;
  }

  // All of RAM: `low()` is at physical address 0, `high()` at kHighBase.
  std::span<const std::byte> low() const { return bytes_.first(low_size_); }
  std::span<const std::byte> high() const { return bytes_.subspan(low_size_); }
  // The parts of it, in whole pages, that the guest has ever written to, for scans: on a tmpfs,
  // merely looking at the others would give them memory.
  std::vector<std::span<const std::byte>> written() const;

 private:
  GuestMemory(std::span<const std::byte> bytes, size_t low_size, UniqueFd file)
      : bytes_(bytes), low_size_(low_size), file_(std::move(file)) {}
  struct Walked {
    std::optional<uint64_t> paddr;
    uint64_t entry = 1;  // where the walk ended
  };
  Walked walk(PageTables tables, uint64_t vaddr) const;

  std::span<const std::byte> bytes_;
  size_t low_size_;
  UniqueFd file_;  // what is mapped, and so ours to unmap; none of memory that is the caller's
};

}  // namespace fptrace::emu
