#include "common/proc/process_list.h"

#include <unistd.h>

#include <filesystem>

#include "common/proc/numbers.h"
#include "common/proc/stat.h"
#include "common/proc/status.h"
#include "common/proc/text_file.h"

namespace fptrace {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kKernelThread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h

uint64_t start_ns(const TaskStat& stat) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  return stat.start_ticks * (kNsPerSecond / uint64_t(::sysconf(_SC_CLK_TCK)));
}

std::vector<std::string> strings(const std::string& bytes) {
  std::vector<std::string> out;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = std::min(bytes.find('\0', at), bytes.size());
    out.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

void add_threads(const fs::path& process, ProcessRow& row) {
  for (const pid_t tid : numbers_in(process / "task").value_or(std::vector<int>())) {
    auto stat = read_stat(process / "task" / std::to_string(tid));
    if (!stat) continue;
    row.thread_rows.push_back({tid, stat->state, start_ns(*stat), std::move(stat->comm)});
  }
}

Result<ProcessRow> row_of(const fs::path& process) {
  auto stat = read_stat(process);
  if (!stat) return fail(stat.error());
  const auto text = read_text_file(process / "status");
  if (!text) return fail(text.error());
  const auto status = parse_status(*text);
  if (!status) return fail(status.error());
  ProcessRow row;
  row.pid = stat->pid;
  row.parent = stat->parent;
  row.threads = stat->threads;
  row.uid = status->uid[1];
  row.state = stat->state;
  row.start_ns = start_ns(*stat);
  row.comm = std::move(stat->comm);
  row.kernel_thread = (stat->flags & kKernelThread) != 0;
  row.ended = stat->state == 'Z' || stat->state == 'X';
  std::error_code none;
  row.exe = fs::read_symlink(process / "exe", none);
  row.cwd = fs::read_symlink(process / "cwd", none);
  if (const auto arguments = read_text_file(process / "cmdline")) row.argv = strings(*arguments);
  return row;
}

}  // namespace

Result<std::vector<ProcessRow>> list_host_processes(bool threads, const std::string& proc) {
  const auto numbers = numbers_in(proc);
  if (!numbers) return fail(numbers.error());
  std::vector<ProcessRow> rows;
  for (const pid_t pid : *numbers) {
    const fs::path process = fs::path(proc) / std::to_string(pid);
    auto row = row_of(process);
    if (!row) continue;
    if (threads) add_threads(process, *row);
    rows.push_back(*std::move(row));
  }
  return rows;
}

}  // namespace fptrace
