#pragma once
#include <cstdint>

#include "backends/emu/plugin/guest_ram.h"
#include "backends/emu/plugin/qemu_plugin_api.h"
#include "backends/emu/taint/shadow_memory.h"

namespace fptrace::emu {

// Where the pages that the guest accesses lie, and their shadows: asking QEMU at each access would
// take as long as the access. To be flushed with what flushes the processor's own.
class Translations {
 public:
  static constexpr uint64_t kNowhere = ~uint64_t{0} << 12;  // no RAM: a device
  struct alignas(32) Page {  // so that none is in two lines of the cache
    uint64_t vpage = kNone;  // address / 4096
    uint64_t paddr = kNowhere;
    const uint8_t* bytes = nullptr;  // nullptr: they may be others than RAM has there
  };

  Translations(const GuestRam& ram, const taint::ShadowMemory& memory)
      : ram_(ram), memory_(memory) {}

  // Of an access that is just being reported. Valid until the next call.
  const Page& find(qemu_plugin_meminfo_t info, uint64_t vaddr) {
    const Page& page = pages_[vaddr / kPageSize % kPages];
    return page.vpage == vaddr / kPageSize ? page : fill(info, vaddr);
  }
  // Of an access that goes on there: the page behind.
  uint64_t paddr_of_next_page(qemu_plugin_meminfo_t info, uint64_t vaddr) {
    return find(info, vaddr / kPageSize * kPageSize + kPageSize).paddr;
  }
  // Of an access that is just being reported. Not while another thread changes the memory.
  const taint::ShadowPage* shadow(qemu_plugin_meminfo_t info, uint64_t vaddr) {
    const uint64_t paddr = find(info, vaddr).paddr;
    Shadow& known = shadows_[vaddr / kPageSize % kPages];
    if (known.paddr != paddr || known.generation != memory_.generation())
      known = {paddr, memory_.generation(), memory_.find(paddr)};
    return known.page;
  }
  void flush() {
    for (Page& page : pages_) page = Page();
  }
  // QEMU's own answer.
  static uint64_t ask(qemu_plugin_meminfo_t info, uint64_t vaddr) {
    const auto* where = qemu_plugin_get_hwaddr(info, vaddr);
    if (!where || qemu_plugin_hwaddr_is_io(where)) return kNowhere;
    return qemu_plugin_hwaddr_phys_addr(where) / kPageSize * kPageSize;
  }

 private:
  static constexpr uint64_t kPageSize = taint::kShadowPageSize, kPages = 512, kNone = ~uint64_t{0};
  // Of a PC's first MiB: devices and firmware lie over RAM there.
  static constexpr uint64_t kHoleBegin = 0xa0000 / kPageSize, kHoleEnd = 0x100000 / kPageSize;

  [[gnu::noinline]] const Page& fill(qemu_plugin_meminfo_t info, uint64_t vaddr) {
    Page& page = pages_[vaddr / kPageSize % kPages];
    const uint64_t paddr = ask(info, vaddr);
    const bool is_ram = paddr / kPageSize < kHoleBegin || paddr / kPageSize >= kHoleEnd;
    page = {vaddr / kPageSize, paddr, is_ram ? ram_.at(paddr, kPageSize) : nullptr};
    return page;
  }

  const GuestRam& ram_;
  const taint::ShadowMemory& memory_;
  Page pages_[kPages];
  struct Shadow {
    uint64_t paddr = kNone, generation = 0;
    const taint::ShadowPage* page = nullptr;
  };
  Shadow shadows_[kPages];  // of the page at the same index, if it is that page's
};

}  // namespace fptrace::emu
