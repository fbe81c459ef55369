#include "backends/emu/osi/process_table.h"

#include <algorithm>

#include "backends/emu/osi/address_space.h"
#include "backends/emu/osi/guest_tasks.h"

namespace fptrace::emu {

std::vector<ProcessRow> list_processes(const GuestNames& names) {
  const GuestKernel& kernel = names.kernel();
  const GuestTasks tasks(kernel);
  std::vector<ProcessRow> rows;
  for (const uint64_t task : tasks.processes()) {
    auto info = tasks.info(task);
    if (!info) continue;
    ProcessRow row{info->pid,
                   info->parent,
                   tasks.thread_count(task),
                   0,
                   info->boot_time,
                   std::move(info->comm),
                   {},
                   {},
                   info->kernel_thread,
                   info->ended};
    if (const auto credentials = tasks.credentials(task)) row.uid = credentials->euid;
    const AddressSpace space(names, kernel.pointer(task, kernel.layout().task.mm));
    if (space.exists() && !info->kernel_thread) {
      if (const auto exe = names.name(space.executable())) row.exe = exe->path;
      row.argv = space.arguments();
    }
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, {}, &ProcessRow::pid);
  return rows;
}

}  // namespace fptrace::emu
