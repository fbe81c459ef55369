#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <set>
#include <vector>

#include "backends/ptrace/session.h"
#include "common/proc/numbers.h"
#include "common/proc/tracing_rights.h"

// Processes that run already: seized thread by thread, and described from /proc.

namespace fptrace::ptrace {
namespace {

std::string proc(pid_t pid) { return "/proc/" + std::to_string(pid); }

uint32_t protection(const std::string& perms) {
  return uint32_t(PROT_EXEC) | (perms[0] == 'r' ? PROT_READ : 0u) |
         (perms[1] == 'w' ? PROT_WRITE : 0u);
}

}  // namespace

std::vector<FdEvent> open_descriptors(TaskView& task, const std::string& directory) {
  std::vector<FdEvent> events;
  for (const int fd : numbers_in(directory).value_or(std::vector<int>())) {
    auto file = task.descriptor(fd);
    if (file) events.push_back({FdOrigin::kInherited, fd, file->flags, std::move(file->file)});
  }
  return events;
}

Result<void> Session::seize_process(pid_t pid) {
  constexpr unsigned long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                                     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
  Process& process = *tracees_.add_process(pid, {}).process;
  process.rights_changed = true;
  std::set<int> seized;
  // New threads of seized ones come by themselves, but one may have been born of a thread that was
  // not seized yet: look again until nothing is new.
  for (bool more = true; more;) {
    more = false;
    const auto tids = numbers_in(proc(pid) + "/task").value_or(std::vector<int>());
    // The first thread last: a program that waits for its tracer looks at that one.
    for (auto tid = tids.rbegin(); tid != tids.rend(); ++tid) {
      if (seized.contains(*tid) || (*tid != pid && tracees_.find(*tid))) continue;
      if (::ptrace(PTRACE_SEIZE, *tid, nullptr, kOptions) < 0) {
        const int error = errno;
        if (error == ESRCH || (error == EPERM && !seized.empty()))
          continue;  // ended meanwhile, or seized by birth: its stop will come
        tracees_.remove(pid);
        return fail(Errc::kPermission,
                    "fptrace may not attach to running process " + std::to_string(pid) + ": " +
                        why_not_trace(tracing_rights(), Tracee::kRunning),
                    error);
      }
      // A seized task runs on; only from a stop can it be told to stop at its system calls.
      (void)::ptrace(PTRACE_INTERRUPT, *tid, nullptr, nullptr);
      if (*tid != pid) (void)tracees_.add_thread(*tid, process);
      seized.insert(*tid);
      more = true;
    }
  }
  if (seized.contains(pid)) return {};
  tracees_.remove(pid);
  return fail(
      Errc::kTracee,
      "cannot attach to process " + std::to_string(pid) +
          (seized.empty() ? ": no such process; see ps(1)" : ": its first thread has ended"),
      ESRCH);
}

Result<ExitStatus> Session::attach() {
  stops_ = Stops::kSyscall;
  emit_start({});
  for (const pid_t pid : options_.attach) {
    if (auto ok = seize_process(pid); !ok) {
      begin_detach();
      (void)loop();
      return fail(ok.error());
    }
  }
  // All stand still while they are described.
  std::vector<std::pair<pid_t, int>> stops;
  for (const Task* task : tracees_.all()) {
    int status = 0;
    if (::waitpid(task->tid, &status, __WALL) == task->tid) stops.emplace_back(task->tid, status);
  }
  for (const pid_t pid : options_.attach)
    if (Task* task = tracees_.find(pid)) report_running_process(*task);
  for (const auto& [tid, status] : stops) on_wait(tid, status);
  return loop();
}

void Session::report_running_process(Task& task) {
  AttachEvent attach;
  for (const Task* t : tracees_.of(*task.process)) attach.tids.push_back(t->tid);
  if (const auto status = read_status(task.tid))
    if (const Task* parent = tracees_.find(status->ppid)) attach.parent = parent->process->key;
  emit(&task, attach);
  emit(&task, GapEvent{"history before attach", "what the process did before is not known"});
  report_program(task);
  for (auto& fd : open_descriptors(task.view, proc(task.tid) + "/fd")) emit(&task, std::move(fd));
  const auto maps = read_maps(task.tid);
  if (!maps) return;
  for (const auto& m : *maps) {
    if (m.inode == 0 || m.perms[2] != 'x') continue;
    char name[64];
    std::snprintf(name, sizeof name, "/map_files/%lx-%lx", m.begin, m.end);
    auto file = magic_link_target(proc(task.tid) + name);
    if (!file) continue;
    emit(&task, MmapEvent{*std::move(file), m.begin, m.end - m.begin, m.offset, protection(m.perms),
                          MAP_PRIVATE});
  }
}

// What a process runs, for one whose execve was not seen.
void Session::report_program(Task& task) {
  ExecEvent exec;
  auto exe = task.view.exe();
  if (!exe) return;  // a kernel thread, or gone
  exec.program.file = *std::move(exe);
  exec.program.path = exec.program.file.path;
  exec.argv = task.view.argv().value_or(std::vector<std::string>{});
  exec.env = task.view.env().value_or(std::vector<std::string>{});
  const auto cwd = task.view.cwd();
  if (cwd) exec.cwd = cwd->path;
  emit(&task, std::move(exec));
}

}  // namespace fptrace::ptrace
