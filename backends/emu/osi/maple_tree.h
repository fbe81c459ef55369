#pragma once
#include <cstdint>
#include <functional>

#include "backends/emu/osi/guest_kernel.h"

namespace fptrace::emu {

// The kernel's tree of ranges (include/linux/maple_tree.h). `root`: what its ma_root holds.

// Calls `visit` with each entry that is not null, in order, until it returns false. Damaged trees
// end early.
void each_in_maple_tree(const GuestKernel& kernel, uint64_t root,
                        const std::function<bool(uint64_t entry)>& visit);

// The entry whose range `index` is in; 0 when there is none.
uint64_t find_in_maple_tree(const GuestKernel& kernel, uint64_t root, uint64_t index);

}  // namespace fptrace::emu
