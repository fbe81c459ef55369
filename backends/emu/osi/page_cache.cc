#include "backends/emu/osi/page_cache.h"

#include <algorithm>

namespace fptrace::emu {
namespace {

constexpr uint64_t kPage = 4096;
constexpr unsigned kMaxDepth = 16;
// Pages of one compound page (1 GiB); a larger distance is no kernel's doing.
constexpr uint64_t kMaxCompound = 1 << 18;

// include/linux/xarray.h: the lowest bits tell values (x1), internal entries (10) and pointers (00)
// apart. Internal entries below 4096 are not nodes but marks; of these the small ones lead to an
// earlier slot that stands for several.
bool is_internal(uint64_t entry) { return (entry & 3) == 2; }
bool is_node(uint64_t entry) { return is_internal(entry) && entry > 4096; }
uint64_t mark(uint64_t entry) { return entry >> 2; }

}  // namespace

uint64_t PageCache::entry(uint64_t address_space, uint64_t index) const {
  const auto& p = kernel_->layout().pages;
  const uint64_t slot_count = p.node_slots.size / sizeof(uint64_t);
  if (!p.head || !p.node_shift || slot_count == 0) return 1;
  uint64_t at = kernel_->pointer(address_space, p.head);
  if (!is_node(at)) return index == 0 ? at : 0;
  for (unsigned depth = 0; is_node(at) && depth < kMaxDepth; ++depth) {
    const uint64_t node = at - 2;
    const auto shift = kernel_->number(node, p.node_shift);
    if (!shift || *shift > 60) return 1;
    uint64_t slot = index >> *shift;
    if (depth == 0 && slot >= slot_count) return 0;  // beyond the last page
    slot %= slot_count;
    const auto read_slot = [&](uint64_t n) {
      return kernel_->value<uint64_t>(node + p.node_slots.offset + n * sizeof(uint64_t))
          .value_or(1);
    };
    at = read_slot(slot);
    if (is_internal(at) && mark(at) < slot) at = read_slot(mark(at));
  }
  return at;
}

uint64_t PageCache::page(uint64_t address_space, uint64_t index) const {
  const auto& p = kernel_->layout().pages;
  const uint64_t head = entry(address_space, index);
  if (head == 0) return kAbsent;
  if ((head & 3) != 0) return kUnknown;
  const auto flags = kernel_->number(head, p.page_flags),
             first = kernel_->number(head, p.page_index);
  const auto address = kernel_->page_address(head);
  if (!flags || !first || !address) return kUnknown;
  if (p.up_to_date < 64 && (*flags >> p.up_to_date & 1) == 0) return kUnknown;
  if (index < *first || index - *first >= kMaxCompound) return kUnknown;
  return *address + (index - *first) * kPage;
}

size_t PageCache::read(uint64_t inode, uint64_t offset, std::span<std::byte> out,
                       bool holes_are_zero) const {
  const auto& i = kernel_->layout().inode;
  const uint64_t size = kernel_->number(inode, i.size).value_or(0);
  const uint64_t mapping = kernel_->pointer(inode, i.mapping);
  if (offset >= size || mapping == 0) return 0;
  out = out.first(size_t(std::min<uint64_t>(out.size(), size - offset)));
  size_t done = 0;
  while (done < out.size()) {
    const uint64_t at = offset + done;
    const auto piece = out.subspan(done, std::min<size_t>(out.size() - done, kPage - at % kPage));
    const uint64_t address = page(mapping, at / kPage);
    if (address == kAbsent && holes_are_zero) {
      std::ranges::fill(piece, std::byte{0});
    } else if (address >= kUnknown ||
               kernel_->memory().read_physical(address + at % kPage, piece) != piece.size()) {
      break;
    }
    done += piece.size();
  }
  return done;
}

}  // namespace fptrace::emu
