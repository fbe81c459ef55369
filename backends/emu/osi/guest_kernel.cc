#include "backends/emu/osi/guest_kernel.h"

#include <algorithm>
#include <cstring>

namespace fptrace::emu {
namespace {

constexpr uint64_t kPage = 4096;
// Documentation/arch/x86/x86_64/mm.rst: the kernel image, of 1 GiB at most.
constexpr uint64_t kImage = 0xffffffff80000000, kMaxImage = uint64_t{1} << 30;
constexpr uint64_t kMaxBtf = 64 << 20;

const std::set<std::string, std::less<>> kWantedSymbols = {"init_task",
                                                           "page_offset_base",
                                                           "vmemmap_base",
                                                           "__per_cpu_start",
                                                           "__per_cpu_offset",
                                                           "__start_BTF",
                                                           "__stop_BTF",
                                                           "special_mapping_vmops",
                                                           "dentry_hashtable",
                                                           "d_hash_shift",
                                                           "wake_up_new_task",
                                                           "do_exit",
                                                           "get_signal",
                                                           "signal_setup_done",
                                                           "do_group_exit",
                                                           "begin_new_exec",
                                                           "__switch_to",
                                                           "_text",
                                                           "_end",
                                                           "folio_unlock",
                                                           "unlock_page",
                                                           "folio_end_read"};

// Calls `take` for each page that begins as VMCOREINFO does, until it returns true.
template <class Take>
void each_vmcoreinfo_page(const GuestMemory& memory, Take take) {
  for (const auto piece : memory.written()) {
    for (size_t at = 0; at + kPage <= piece.size(); at += kPage) {
      const std::string_view page(reinterpret_cast<const char*>(piece.data()) + at, kPage);
      if (page.starts_with(kVmcoreInfoStart) && take(page)) return;
    }
  }
}

}  // namespace

Result<GuestKernel> GuestKernel::find(const GuestMemory& memory, const BtfTypes* types) {
  Result<GuestKernel> found =
      fail(Errc::kUnsupported,
           "no Linux kernel in the guest's memory: it has no VMCOREINFO (has the guest booted?)");
  each_vmcoreinfo_page(memory, [&](std::string_view page) {
    found = at(memory, page, types);
    return bool(found);
  });
  return found;
}

Result<GuestKernel> GuestKernel::at(const GuestMemory& memory, std::string_view vmcoreinfo,
                                    const BtfTypes* types) {
  auto info = parse_vmcoreinfo(std::string(vmcoreinfo));
  if (!info) return fail(info.error());
  GuestKernel kernel(memory, *std::move(info));
  kernel.vmcoreinfo_ = vmcoreinfo.substr(0, vmcoreinfo.find('\0'));
  const auto read = [&kernel](uint64_t vaddr, std::span<std::byte> out) {
    return kernel.read(vaddr, out);
  };
  auto symbols = find_symbols(kernel.info_, read, kWantedSymbols);
  if (!symbols) return fail(symbols.error());
  kernel.symbols_ = *std::move(symbols);
  kernel.direct_map_ = kernel.value<uint64_t>(kernel.symbol("page_offset_base")).value_or(0);
  kernel.page_structs_ = kernel.value<uint64_t>(kernel.symbol("vmemmap_base")).value_or(0);
  if (auto found = kernel.find_layout(types); !found) return fail(found.error());
  if (auto good = kernel.check(); !good) return fail(good.error());
  return kernel;
}

Result<void> GuestKernel::find_layout(const BtfTypes* types) {
  Result<KernelLayout> layout = KernelLayout();
  if (types != nullptr) {
    layout = KernelLayout::from(*types);
  } else {
    const uint64_t begin = symbol("__start_BTF"), end = symbol("__stop_BTF");
    if (begin == 0 || end <= begin || end - begin > kMaxBtf)
      return fail(Errc::kUnsupported, "the guest's kernel " + release() + " has no BTF");
    const auto bytes = memory_->physical_from(begin - kImage + info_.phys_base);
    if (bytes.size() < end - begin)
      return fail(Errc::kUnsupported, "the BTF of the guest's kernel cannot be read");
    const auto parsed = BtfTypes::parse(bytes.first(end - begin));
    if (!parsed) return fail(parsed.error());
    layout = KernelLayout::from(*parsed);
  }
  if (!layout) return fail(layout.error());
  layout_ = *layout;
  return {};
}

// Whether what was found is a kernel: its first task is there and is what it must be.
Result<void> GuestKernel::check() const {
  const uint64_t task = init_task();
  if (task != 0 && number(task, layout_.task.pid) == 0 && number(task, layout_.task.tgid) == 0 &&
      text(task + layout_.task.comm.offset, layout_.task.comm.size).starts_with("swapper"))
    return {};
  return fail(Errc::kUnsupported, "the guest's kernel " + release() + " has no first task");
}

PageTables GuestKernel::tables() const {
  return {info_.page_tables - kImage + info_.phys_base, info_.five_levels};
}

std::optional<uint64_t> GuestKernel::without_page_tables(uint64_t vaddr) const {
  if (!directly_mapped(vaddr).empty()) return vaddr - direct_map_;
  if (vaddr - kImage < kMaxImage) return vaddr - kImage + info_.phys_base;
  return std::nullopt;
}

std::optional<uint64_t> GuestKernel::physical(uint64_t vaddr) const {
  const auto paddr = without_page_tables(vaddr);
  return paddr ? paddr : memory_->translate(tables(), vaddr);
}

size_t GuestKernel::read(uint64_t vaddr, std::span<std::byte> out) const {
  const auto paddr = without_page_tables(vaddr);
  return paddr ? memory_->read_physical(*paddr, out) : memory_->read_virtual(tables(), vaddr, out);
}

std::string GuestKernel::text(uint64_t vaddr, size_t most) const {
  constexpr size_t kMost = 4096;
  char buffer[kMost];
  if (vaddr == 0) return {};
  const size_t got =
      read(vaddr, std::as_writable_bytes(std::span(buffer)).first(std::min(most, kMost)));
  return std::string(buffer, ::strnlen(buffer, got));
}

uint64_t GuestKernel::symbol(std::string_view name) const {
  const auto it = symbols_.find(name);
  return it != symbols_.end() ? it->second : 0;
}

std::map<uint64_t, NamedAddress> GuestKernel::name_code(const std::set<uint64_t>& addresses) const {
  const auto read_at = [this](uint64_t vaddr, std::span<std::byte> out) {
    return read(vaddr, out);
  };
  auto names = emu::name_code(info_, read_at, addresses);
  return names ? *std::move(names) : std::map<uint64_t, NamedAddress>();
}

uint64_t GuestKernel::current(uint64_t gs_base) const {
  // Per-CPU symbols count from __per_cpu_start, which is 0 on x86 before 6.15.
  const uint64_t at = gs_base + symbol("__per_cpu_start") + layout_.current_task;
  return value<uint64_t>(at).value_or(0);
}

uint64_t GuestKernel::current_location() const {
  const uint64_t offsets = symbol("__per_cpu_offset");
  const auto base = offsets != 0 ? value<uint64_t>(offsets) : std::nullopt;
  // Per-CPU symbols count from __per_cpu_start, which is 0 on x86 before 6.15.
  return base ? *base + symbol("__per_cpu_start") + layout_.current_task : 0;
}

uint64_t GuestKernel::current_of_first_cpu() const {
  const uint64_t at = current_location();
  return at != 0 ? value<uint64_t>(at).value_or(0) : 0;
}

std::optional<uint64_t> GuestKernel::page_address(uint64_t page) const {
  if (page_structs_ == 0 || layout_.pages.page_size == 0 || page < page_structs_)
    return std::nullopt;
  const uint64_t offset = page - page_structs_;
  if (offset % layout_.pages.page_size != 0) return std::nullopt;
  return offset / layout_.pages.page_size * kPage;
}

}  // namespace fptrace::emu
