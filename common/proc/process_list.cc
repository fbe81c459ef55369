#include "common/proc/process_list.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "common/proc/stat.h"
#include "common/proc/status.h"
#include "common/proc/text_file.h"

namespace fptrace {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kKernelThread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h

std::vector<pid_t> numbers_in(const fs::path& directory, std::error_code& error) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename();
    pid_t number = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad == std::errc{} && end == name.data() + name.size()) found.push_back(number);
  }
  std::ranges::sort(found);
  return found;
}

uint64_t start_ns(const TaskStat& stat) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  return stat.start_ticks * (kNsPerSecond / uint64_t(::sysconf(_SC_CLK_TCK)));
}

Result<TaskStat> stat_of(const fs::path& task) {
  const auto text = read_text_file(task / "stat");
  if (!text) return fail(text.error());
  return parse_stat(*text);
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
  std::error_code gone;
  for (const pid_t tid : numbers_in(process / "task", gone)) {
    auto stat = stat_of(process / "task" / std::to_string(tid));
    if (!stat) continue;
    row.thread_rows.push_back({tid, stat->state, start_ns(*stat), std::move(stat->comm)});
  }
}

Result<ProcessRow> row_of(const fs::path& process) {
  auto stat = stat_of(process);
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
  std::error_code error;
  const auto numbers = numbers_in(proc, error);
  if (error) return fail_errno("list " + proc, error.value());
  std::vector<ProcessRow> rows;
  for (const pid_t pid : numbers) {
    const fs::path process = fs::path(proc) / std::to_string(pid);
    auto row = row_of(process);
    if (!row) continue;
    if (threads) add_threads(process, *row);
    rows.push_back(*std::move(row));
  }
  return rows;
}

}  // namespace fptrace
