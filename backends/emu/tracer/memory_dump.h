#pragma once
#include <string>

#include "backends/emu/channel/wire.h"
#include "backends/emu/osi/guest_kernel.h"
#include "common/base/result.h"

namespace fptrace::emu {

enum class DumpFormat {
  kRaw,  // each byte at its physical address
  kElf,  // a core dump as kdump writes it: physical memory, where the kernel has it mapped, the
         // CPU's registers, and what the kernel says of itself (VMCOREINFO)
};

// Writes the guest's physical memory as it is now to `path`, whole or not at all. Pages that are
// zero take no space where the file system can leave them out. `pid`: of the task that runs.
Result<void> dump_memory(const std::string& path, DumpFormat format, const GuestKernel& kernel,
                         const CpuState& cpu, pid_t pid);

}  // namespace fptrace::emu
