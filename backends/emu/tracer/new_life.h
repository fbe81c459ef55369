#pragma once
#include "backends/emu/tracer/observer.h"

namespace fptrace::emu {

// Tells the plugin when a task of the trace ends, or becomes another program:
// RequestKind::kNewLife. To be called at each stop.
Result<void> tell_new_lives(const Sight& sight);

}  // namespace fptrace::emu
