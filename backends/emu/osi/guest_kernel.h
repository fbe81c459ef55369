#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "backends/emu/osi/guest_memory.h"
#include "backends/emu/osi/kernel_layout.h"
#include "backends/emu/osi/kernel_symbols.h"
#include "backends/emu/osi/vmcoreinfo.h"

namespace fptrace::emu {

// The Linux kernel of a running guest: where it is, how it is laid out, and reads from its memory.
// Everything read is hostile. A pointer that cannot be read is 0, as if it led to nothing.
class GuestKernel {
 public:
  // Looks for the kernel in the guest's memory, which must outlive it and must have booted as far
  // as its init. `types`: the kernel's BTF where it is known from elsewhere; else it is looked for,
  // too. To be called before programs that are not trusted run: they could fake a kernel.
  static Result<GuestKernel> find(const GuestMemory& memory, const BtfTypes* types = nullptr);

  const GuestMemory& memory() const { return *memory_; }
  const KernelLayout& layout() const { return layout_; }
  const std::string& release() const { return info_.release; }
  bool five_levels() const { return info_.five_levels; }
  // What the kernel says of itself for crash dumps, as it stands in memory.
  const std::string& vmcoreinfo() const { return vmcoreinfo_; }
  // Virtual address at which all of physical memory is mapped; 0: not known.
  uint64_t direct_map() const { return direct_map_; }

  size_t read(uint64_t vaddr, std::span<std::byte> out) const;
  template <class T>
  std::optional<T> value(uint64_t vaddr) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T out;
    if (read(vaddr, std::as_writable_bytes(std::span(&out, 1))) != sizeof out) return std::nullopt;
    return out;
  }
  // A member of one, two, four or eight bytes as an unsigned number; nullopt when it is absent, of
  // another size or not readable, or when `object` is 0.
  std::optional<uint64_t> number(uint64_t object, Member member) const {
    if (object == 0 || !member || member.size == 0 || member.size > sizeof(uint64_t))
      return std::nullopt;
    uint64_t out = 0;
    // Nearly all are here.
    const auto mapped = directly_mapped(object + member.offset);
    if (mapped.size() >= sizeof out) {
      std::memcpy(&out, mapped.data(), sizeof out);
      return out & ~uint64_t{0} >> (sizeof out - member.size) * 8;
    }
    const auto bytes = std::as_writable_bytes(std::span(&out, 1)).first(member.size);
    if (read(object + member.offset, bytes) != member.size) return std::nullopt;
    return out;  // little endian
  }
  uint64_t pointer(uint64_t object, Member member) const {
    return number(object, member).value_or(0);
  }
  // Up to its terminator, or `most` bytes.
  std::string text(uint64_t vaddr, size_t most) const;

  // 0 when the kernel has none of that name, or did not say.
  uint64_t symbol(std::string_view name) const;
  // See name_code(); nothing when the kernel does not tell.
  std::map<uint64_t, NamedAddress> name_code(const std::set<uint64_t>& addresses) const;
  uint64_t init_task() const { return symbol("init_task"); }
  // Where the first CPU keeps the pointer to its current task; 0: not known.
  uint64_t current_location() const;
  // The task that a CPU runs, by the CPU's kernel GS base (in user mode: the swapped one).
  uint64_t current(uint64_t gs_base) const;
  // The same for the first CPU, without its registers.
  uint64_t current_of_first_cpu() const;

  std::optional<uint64_t> physical(uint64_t vaddr) const;
  // Of the memory that a `struct page` stands for.
  std::optional<uint64_t> page_address(uint64_t page) const;

 private:
  GuestKernel(const GuestMemory& memory, VmcoreInfo info)
      : memory_(&memory), info_(std::move(info)) {}
  static Result<GuestKernel> at(const GuestMemory& memory, std::string_view vmcoreinfo,
                                const BtfTypes* types);
  Result<void> find_layout(const BtfTypes* types);
  Result<void> check() const;
  PageTables tables() const;
  // Empty: the address is not in the kernel's mapping of all memory. With KASLR other things lie in
  // the address space right behind the memory that is there.
  std::span<const std::byte> directly_mapped(uint64_t vaddr) const {
    if (direct_map_ == 0) return {};
    return memory_->physical_from(vaddr - direct_map_);
  }
  // Of what is mapped at a constant distance: all memory, and the kernel's image.
  std::optional<uint64_t> without_page_tables(uint64_t vaddr) const;

  const GuestMemory* memory_;
  VmcoreInfo info_;
  std::string vmcoreinfo_;
  SymbolMap symbols_;
  KernelLayout layout_;
  uint64_t direct_map_ = 0;    // where all of physical memory is mapped
  uint64_t page_structs_ = 0;  // where the array of struct page is
};

}  // namespace fptrace::emu
