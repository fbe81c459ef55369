#include "backends/emu/plugin/page_walk.h"

namespace fptrace::emu {

// Intel SDM, volume 3, 4.5: each table has 512 entries; one that is no table maps a large page.
bool walk_page_tables(const GuestRam& ram, const CpuState& cpu, uint64_t vaddr, uint64_t* paddr) {
  constexpr uint64_t kPresent = 1, kLarge = 1 << 7, kFiveLevels = 1 << 12;
  constexpr uint64_t kFrame = 0x000ffffffffff000;
  uint64_t table = cpu.cr3 & kFrame;
  for (int level = (cpu.cr4 & kFiveLevels) != 0 ? 5 : 4; level > 0; --level) {
    const int shift = 12 + 9 * (level - 1);
    const uint64_t entry = ram.read_u64(table + (vaddr >> shift & 511) * sizeof(uint64_t));
    if ((entry & kPresent) == 0) return false;
    const bool page = level == 1 || (level < 4 && (entry & kLarge) != 0);
    const uint64_t within = (uint64_t{1} << shift) - 1;
    if (page) {
      *paddr = (entry & kFrame & ~within) | (vaddr & within);
      return true;
    }
    table = entry & kFrame;
  }
  return false;
}

}  // namespace fptrace::emu
