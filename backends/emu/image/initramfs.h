#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "backends/emu/image/kernel_modules.h"
#include "common/base/result.h"

namespace fptrace::emu {

// Writes the guest's first root: our init and the modules it is to insert, in their order, as a
// cpio archive of the kind the kernel takes. Equal contents give equal bytes.
Result<void> write_initramfs(const std::string& path, std::string_view init,
                             const std::vector<Module>& modules);

}  // namespace fptrace::emu
