#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace::emu {

// What the kernel says about itself for crash dumps (Documentation/admin-guide/kdump/vmcoreinfo):
// lines of "KEY=VALUE" that lie in a page of their own.
struct VmcoreInfo {
  std::string release;       // as uname -r
  uint64_t page_tables = 0;  // virtual address of the kernel's own top-level page table
  uint64_t phys_base = 0;    // the kernel image's virtual base plus this is physical
  bool five_levels = false;  // of page tables
  uint64_t text = 0;         // address of _stext; 0 when not said
  // kernel/kallsyms.c's tables, by name without "kallsyms_"; empty before 6.0.
  std::map<std::string, uint64_t, std::less<>> symbol_tables;
};

// Where every such page begins.
inline constexpr std::string_view kVmcoreInfoStart = "OSRELEASE=";

// `text`: from kVmcoreInfoStart on; ends with its first NUL.
Result<VmcoreInfo> parse_vmcoreinfo(std::string_view text);

}  // namespace fptrace::emu
