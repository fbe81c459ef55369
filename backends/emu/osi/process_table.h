#pragma once
#include <vector>

#include "backends/emu/osi/guest_names.h"
#include "common/task/process_row.h"

namespace fptrace::emu {

// The processes of a guest at this moment, in the order of their numbers. `threads`: fill in
// ProcessRow::thread_rows.
std::vector<ProcessRow> list_processes(const GuestNames& names, bool threads = false);

}  // namespace fptrace::emu
