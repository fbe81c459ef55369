#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "backends/ptrace/host_task.h"
#include "common/base/unique_fd.h"
#include "common/event/event.h"
#include "common/syscall/decoder.h"

namespace fptrace::ptrace {

struct Process {
  ProcessKey key;
  ProcessKey parent;
  int threads = 0;
  // Its rights or view of the system may differ from the tracer's (setuid, capset, landlock):
  // what the tracer finds by looking is no prediction of what the process is told.
  bool rights_changed = false;
  // It has a seccomp filter of its own, which overrules ours where it is stricter: only plain
  // syscall stops see the calls that it denies.
  bool own_filter = false;
  UniqueFd pidfd;                  // while a debugger holds it: tells when the process has ended
  bool waits_for_reaping = false;  // ... and with which status, but only after it was reaped
};

// What the tracer waits for before it may report the call that a task is in.
enum class Await : uint8_t {
  kNothing,
  kInterrupt,  // PTRACE_INTERRUPT was sent during a notification: its stop shows the result
  kExit,       // resumed with PTRACE_SYSCALL: the exit stop shows it
};

// One thread.
struct Task {
  Task(pid_t tid, Process* process) : tid(tid), process(process), view(process->key.pid, tid) {}
  pid_t tid;
  Process* process;
  HostTask view;
  std::unique_ptr<PendingCall> pending;  // the call it is in, if that matters
  Await await = Await::kNothing;
  bool in_call = false;         // between the two plain stops of a call
  Abi call_abi = Abi::kX86_64;  // of `pending`
  uint64_t call_nr = 0;
  bool asks_strict = false, strict = false;  // SECCOMP_MODE_STRICT
  SyscallCall clone_call;
  std::optional<uint64_t> untraced_flags;  // what keep_child_traced() took away
  bool may_restart = false;                // its last call was seen to end with -ERESTART*
  bool detach = false;                     // let go at its next stop

  // A debugger inside the traced tree has it, or is about to get it: see handover.cc.
  enum class Hold : uint8_t { kOurs, kGivingAway, kTheirs };
  Hold hold = Hold::kOurs;
  std::optional<uint64_t> waiting_debugger;  // the notification to answer once it is given away
  std::chrono::steady_clock::time_point given_away_at{};
};

// All tasks and processes of a trace, by the kernel's numbers as the tracer sees them.
class Tracees {
 public:
  Task* find(pid_t tid);
  Task& add_process(pid_t pid, ProcessKey parent);
  Task& add_thread(pid_t tid, Process& process);
  // Forgets one thread; its process too if it was the last one.
  void remove(pid_t tid);
  // A thread that called execve is now the leader: `former` takes over the pid.
  void become_leader(pid_t former, pid_t pid);
  std::vector<Task*> all();
  std::vector<Task*> of(const Process& process);
  // Processes with a pidfd.
  std::vector<Process*> watched();
  bool empty() const { return tasks_.empty(); }
  size_t size() const { return tasks_.size(); }
  uint64_t processes_seen() const { return serial_; }

 private:
  std::unordered_map<pid_t, std::unique_ptr<Task>> tasks_;
  std::unordered_map<pid_t, std::unique_ptr<Process>> processes_;
  uint32_t serial_ = 0;
};

}  // namespace fptrace::ptrace
