#include "backends/emu/osi/process_table.h"

#include <algorithm>

#include "backends/emu/osi/address_space.h"
#include "backends/emu/osi/guest_tasks.h"

namespace fptrace::emu {
namespace {

ProcessRow row_of(const GuestTasks& tasks, uint64_t task, TaskInfo info) {
  ProcessRow row;
  row.pid = info.pid;
  row.parent = info.parent;
  row.threads = tasks.thread_count(task);
  row.state = info.state;
  row.start_ns = info.boot_time;
  row.comm = std::move(info.comm);
  row.kernel_thread = info.kernel_thread;
  row.ended = info.ended;
  if (const auto credentials = tasks.credentials(task)) row.uid = credentials->euid;
  return row;
}

void add_program(const GuestNames& names, uint64_t task, ProcessRow& row) {
  const GuestKernel& kernel = names.kernel();
  const AddressSpace space(names, kernel.pointer(task, kernel.layout().task.mm));
  if (!space.exists() || row.kernel_thread) return;
  if (const auto exe = names.name(space.executable())) row.exe = exe->path;
  if (const auto cwd = names.name(names.cwd_of(task))) row.cwd = cwd->path;
  row.argv = space.arguments();
}

void add_threads(const GuestTasks& tasks, uint64_t task, ProcessRow& row) {
  for (const uint64_t thread : tasks.threads(task)) {
    auto info = tasks.info(thread);
    if (!info) continue;
    row.thread_rows.push_back({info->tid, info->state, info->boot_time, std::move(info->comm)});
  }
  std::ranges::sort(row.thread_rows, {}, &ThreadRow::tid);
}

}  // namespace

std::vector<ProcessRow> list_processes(const GuestNames& names, bool threads) {
  const GuestTasks tasks(names.kernel());
  std::vector<ProcessRow> rows;
  for (const uint64_t task : tasks.processes()) {
    auto info = tasks.info(task);
    if (!info) continue;
    ProcessRow row = row_of(tasks, task, *std::move(info));
    add_program(names, task, row);
    if (threads) add_threads(tasks, task, row);
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, {}, &ProcessRow::pid);
  return rows;
}

}  // namespace fptrace::emu
