#pragma once
#include <cstdint>

#include "backends/emu/plugin/qemu_plugin_api.h"
#include "backends/emu/taint/shadow_memory.h"

namespace fptrace::emu {

// Where the pages that the guest accesses lie, and their shadows: asking QEMU at each access would
// take as long as the access. To be flushed with what flushes the processor's own, and when pages
// of the shadow come or go.
class Translations {
 public:
  static constexpr uint64_t kNowhere = ~uint64_t{0} << 12;  // no RAM: a device
  struct Page {
    uint64_t vpage = kNone;  // address / 4096
    uint64_t paddr = kNowhere;
    taint::ShadowPage* shadow = nullptr;
  };

  explicit Translations(const taint::ShadowMemory& memory) : memory_(memory) {}

  // Of an access that is just being reported. Valid until the next call.
  const Page& find(qemu_plugin_meminfo_t info, uint64_t vaddr) {
    const Page& page = pages_[vaddr / kPageSize % kPages];
    return page.vpage == vaddr / kPageSize ? page : fill(info, vaddr);
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

  [[gnu::noinline]] const Page& fill(qemu_plugin_meminfo_t info, uint64_t vaddr) {
    Page& page = pages_[vaddr / kPageSize % kPages];
    page.vpage = vaddr / kPageSize;
    page.paddr = ask(info, vaddr);
    page.shadow = memory_.find(page.paddr);
    return page;
  }

  const taint::ShadowMemory& memory_;
  Page pages_[kPages];
};

}  // namespace fptrace::emu
