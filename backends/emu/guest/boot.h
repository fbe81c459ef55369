#pragma once
#include <string>

#include "backends/emu/guest/job.h"

namespace fptrace::emu {

// Before the machine's state is saved: pseudo file systems, kernel modules, the network's loopback.
void boot();
// The line to the host, open; waits for its device to appear.
int open_port();

// After it was restored: what makes this machine different from all others of the same state.
void personalize(const Job& job);
// Mounts the program's files and makes them the root.
void enter_root(const Job& job);

}  // namespace fptrace::emu
