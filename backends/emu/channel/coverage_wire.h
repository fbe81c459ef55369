#pragma once
#include <cstdint>

#include "backends/emu/channel/wire.h"

// What host and plugin say about the code that programs run.

namespace fptrace::emu {

// RequestKind::kCoverage: from now on each block of code that a task with kWatchCalls begins in
// user mode is reported, once in each of its lives (RequestKind::kNewLife). Needs want_blocks.
//
// ReportKind::kBlock: `vaddr` is where it begins, `detail` how many bytes it has. A block is what
// QEMU translates at once: it ends at the latest with a jump and with its page.

}  // namespace fptrace::emu
