#include "backends/emu/osi/address_space.h"

#include <algorithm>

#include "backends/emu/osi/kernel_list.h"
#include "backends/emu/osi/maple_tree.h"

namespace fptrace::emu {
namespace {

constexpr uint64_t kPage = 4096;
constexpr unsigned kMaxMappings = 1 << 20;
// include/linux/mm.h
constexpr uint64_t kRead = 1, kWrite = 2, kExec = 4, kShared = 8;
constexpr uint64_t kMaxStrings = 8 << 20;  // of arguments; more than the kernel takes

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> strings;
  while (!text.empty()) {
    const auto string = text.substr(0, text.find('\0'));
    strings.emplace_back(string);
    text.remove_prefix(std::min(string.size() + 1, text.size()));
  }
  return strings;
}

}  // namespace

std::optional<GuestMapping> AddressSpace::mapping(uint64_t vma) const {
  const GuestKernel& kernel = names_->kernel();
  const auto& v = kernel.layout().vma;
  const auto begin = kernel.number(vma, v.vm_start), end = kernel.number(vma, v.vm_end);
  const auto flags = kernel.number(vma, v.vm_flags);
  if (!begin || !end || !flags || *begin >= *end) return std::nullopt;
  GuestMapping m{*begin,
                 *end,
                 0,
                 (*flags & kRead) != 0,
                 (*flags & kWrite) != 0,
                 (*flags & kExec) != 0,
                 (*flags & kShared) != 0,
                 kernel.pointer(vma, v.vm_file),
                 vma};
  if (m.file != 0) m.file_offset = kernel.number(vma, v.vm_pgoff).value_or(0) * kPage;
  return m;
}

std::vector<GuestMapping> AddressSpace::mappings() const {
  const GuestKernel& kernel = names_->kernel();
  const auto& m = kernel.layout().mm;
  std::vector<GuestMapping> found;
  if (mm_ == 0) return found;
  const auto add = [&](uint64_t vma) {
    if (auto one = mapping(vma)) found.push_back(*one);
    return found.size() < kMaxMappings;
  };
  if (m.tree_root) {
    each_in_maple_tree(kernel, kernel.pointer(mm_, m.tree_root), add);
  } else {
    uint64_t vma = kernel.pointer(mm_, m.mmap);
    for (CycleGuard<> guard; vma != 0 && !guard.repeats(vma) && add(vma);)
      vma = kernel.pointer(vma, kernel.layout().vma.vm_next);
  }
  return found;
}

std::optional<GuestMapping> AddressSpace::mapping_at(uint64_t vaddr) const {
  const GuestKernel& kernel = names_->kernel();
  const auto& m = kernel.layout().mm;
  if (m.tree_root) {
    const auto found = mapping(find_in_maple_tree(kernel, kernel.pointer(mm_, m.tree_root), vaddr));
    if (found && vaddr >= found->begin && vaddr < found->end) return found;
    return std::nullopt;
  }
  for (const GuestMapping& one : mappings())
    if (vaddr >= one.begin && vaddr < one.end) return one;
  return std::nullopt;
}

// In the order in which show_map_vma() of fs/proc/task_mmu.c asks.
PlaceName AddressSpace::name(const GuestMapping& mapping) const {
  const GuestKernel& kernel = names_->kernel();
  const auto& layout = kernel.layout();
  if (mapping.file != 0)
    return names_->name(names_->place_of_file(mapping.file)).value_or(PlaceName{});
  const uint64_t ops = kernel.pointer(mapping.vma, layout.vma.vm_ops);
  if (ops != 0 && ops == kernel.symbol("special_mapping_vmops")) {
    const uint64_t special = kernel.pointer(mapping.vma, layout.vma.vm_private_data);
    return {kernel.text(kernel.pointer(special, layout.special_mapping_name), 64)};
  }
  const auto value = [&](Member member) { return kernel.pointer(mm_, member); };
  if (mapping.begin == value(layout.mm.vdso)) return {"[vdso]"};
  if (mapping.begin < value(layout.mm.brk) && mapping.end > value(layout.mm.start_brk))
    return {"[heap]"};
  const uint64_t stack = value(layout.mm.start_stack);
  if (mapping.begin <= stack && mapping.end >= stack) return {"[stack]"};
  if (const uint64_t given = kernel.pointer(mapping.vma, layout.vma.anon_name); given != 0)
    return {"[anon:" + kernel.text(given + layout.anon_vma_name.offset, 80) + "]"};
  return {};
}

std::optional<PageTables> AddressSpace::page_tables() const {
  const GuestKernel& kernel = names_->kernel();
  const auto address = kernel.physical(kernel.pointer(mm_, kernel.layout().mm.pgd));
  if (mm_ == 0 || !address) return std::nullopt;
  return PageTables(*address, kernel.five_levels());
}

// `out` lies in one page for which the page tables have nothing: the process would find zeros, or
// what the file has.
size_t AddressSpace::read_untouched(uint64_t vaddr, std::span<std::byte> out) const {
  const auto m = mapping_at(vaddr);
  if (!m || !m->readable) return 0;
  const GuestKernel& kernel = names_->kernel();
  if (m->file == 0) {
    if (kernel.pointer(m->vma, kernel.layout().vma.vm_ops) != 0) return 0;  // a device, the vdso
    std::ranges::fill(out, std::byte{0});
    return out.size();
  }
  const uint64_t inode = kernel.pointer(m->file, kernel.layout().file.inode);
  return PageCache(kernel).read(inode, m->file_offset + (vaddr - m->begin), out, false);
}

size_t AddressSpace::read(uint64_t vaddr, std::span<std::byte> out) const {
  const auto tables = page_tables();
  if (!tables || vaddr >> 63 != 0) return 0;
  const GuestMemory& memory = names_->kernel().memory();
  size_t done = memory.read_virtual(*tables, vaddr, out);
  while (done < out.size()) {
    const uint64_t at = vaddr + done;
    const auto piece = out.subspan(done, std::min<size_t>(out.size() - done, kPage - at % kPage));
    size_t got = memory.read_virtual(*tables, at, piece);
    if (got == 0 && memory.is_untouched(*tables, at)) got = read_untouched(at, piece);
    done += got;
    if (got != piece.size()) break;
  }
  return done;
}

std::string AddressSpace::read_range(uint64_t begin, uint64_t end) const {
  if (begin == 0 || end <= begin) return {};
  std::string text(size_t(std::min(end - begin, kMaxStrings)), '\0');
  text.resize(read(begin, std::as_writable_bytes(std::span(text))));
  return text;
}

// As get_mm_cmdline() of fs/proc/base.c: a program that wrote over the end of its arguments has
// one string there, which may go on where the environment was.
std::vector<std::string> AddressSpace::arguments() const {
  const GuestKernel& kernel = names_->kernel();
  const auto& m = kernel.layout().mm;
  const uint64_t begin = kernel.pointer(mm_, m.arg_start), end = kernel.pointer(mm_, m.arg_end);
  const std::string text = read_range(begin, end);
  if (text.empty() || text.back() == '\0' || text.size() != end - begin) return split(text);
  const uint64_t env_begin = kernel.pointer(mm_, m.env_start);
  const uint64_t env_end = env_begin == end ? kernel.pointer(mm_, m.env_end) : end;
  const std::string title = read_range(begin, std::max(end, env_end));
  return split(std::string_view(title).substr(0, title.find('\0')));
}

std::vector<std::string> AddressSpace::environment() const {
  const GuestKernel& kernel = names_->kernel();
  const auto& m = kernel.layout().mm;
  return split(read_range(kernel.pointer(mm_, m.env_start), kernel.pointer(mm_, m.env_end)));
}

Place AddressSpace::executable() const {
  const GuestKernel& kernel = names_->kernel();
  return names_->place_of_file(kernel.pointer(mm_, kernel.layout().mm.exe_file));
}

}  // namespace fptrace::emu
