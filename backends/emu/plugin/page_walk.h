#pragma once
#include <cstdint>

#include "backends/emu/channel/wire.h"
#include "backends/emu/plugin/guest_ram.h"

namespace fptrace::emu {

// Where `vaddr` lies, by the page tables that the CPU uses. False: not mapped. Permissions are not
// looked at. The host has GuestMemory for that,
// which needs the C++ library.
bool walk_page_tables(const GuestRam& ram, const CpuState& cpu, uint64_t vaddr, uint64_t* paddr);

}  // namespace fptrace::emu
