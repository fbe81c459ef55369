#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/ptrace/launch.h"
#include "backends/ptrace/notifier.h"
#include "backends/ptrace/ptrace_tracer.h"
#include "backends/ptrace/signals.h"
#include "backends/ptrace/tracees.h"
#include "common/content/content_tracker.h"
#include "common/event/tracer.h"
#include "common/proc/maps.h"
#include "common/proc/status.h"
#include "common/syscall/decoder.h"
#include "common/syscall/table.h"
#include "common/unwind/opener.h"

namespace fptrace::ptrace {

// One trace, from the first process to the last. Single-threaded but for the hashing: every
// ptrace stop and every notification is handled on the thread that called run() or attach().
//
// session.cc has the loop and the dispatch of stops, calls.cc what happens at system calls,
// lifecycle.cc the birth and death of tasks, attach.cc processes that run already.
class Session {
 public:
  Session(const Options& options, const InputStore* inputs, EventSink& sink, std::stop_token stop);

  Result<ExitStatus> run(const Command& command);
  Result<ExitStatus> attach();

 private:
  // session.cc
  void emit_start(const std::vector<std::string>& argv);
  Result<ExitStatus> loop();
  void wait();
  void handle_signals_to_us();
  void reap();
  void on_wait(pid_t tid, int status);
  void on_stop(Task& task, int status);
  void on_signal(Task& task, int signo);
  void on_event_stop(Task& task, int signo);
  void resume(Task& task, int signo = 0);
  void stop_like_the_program();
  void emit(const Task* task, EventBody body);
  void emit(ProcessKey process, pid_t tid, EventBody body);
  void emit_contents();
  Result<ExitStatus> finish();

  // calls.cc
  void on_notifications();
  void on_notification();
  void answer_notification(Task& task, const seccomp_notif& request);
  void on_filter_stop(Task& task);
  bool refuse_foreign_filter_stop(Task& task);
  bool keep_child_traced(Task& task, const SyscallCall& call);
  void give_flags_back(Task& task);
  void write_clone_flags(const Task& task, uint64_t flags);
  bool denied_by_signal(const Task& task, int64_t result) const;
  void grant_strict(Task& task);
  bool enforce_strict(Task& task, const SyscallCall& call);
  void on_syscall_stop(Task& task);
  // Takes note of a call that matters; false when it turns out not to.
  bool begin_call(Task& task, const SyscallCall& call);
  void end_call(Task& task, int64_t result);
  void note_rights(Task& task, const SyscallRow& row, const SyscallCall& call);
  bool is_certain(const Task& task) const;
  void tell_opener(Task& task, EventBody& body);
  bool cure_eintr(Task& task);

  // lifecycle.cc
  void on_new_task(Task& parent, pid_t tid, int event);
  void on_exec(Task& task);
  void on_end(pid_t tid, int status);
  void on_root_end();
  void adopt_orphans();
  void check_setuid(const Task& task, const ExecEvent& exec);
  void let_go(Task& task, int signo);
  void begin_detach();
  void kill_all(int signo);

  // handover.cc
  bool on_ptrace_call(Task& task, const SyscallCall& call, uint64_t notification);
  void note_other_tracer(Task& task);
  void give_away(Task& task, int status);
  void on_foreign_notification(Task& task, const seccomp_notif& request);
  void end_foreign_call(Task& task);
  void on_foreign_end(Process& process);
  Task* find_or_adopt(pid_t tid);
  bool regain(Task& task);

  // attach.cc
  Result<void> seize_process(pid_t pid);
  void report_running_process(Task& task);
  void report_program(Task& task);

  const Options& options_;
  EventSink& sink_;
  std::stop_token stop_;
  Signals signals_;
  Decoder decoder_;
  Tracees tracees_;
  std::optional<Notifier> notifier_;
  std::optional<ContentTracker> content_;
  std::optional<unwind::OpenerFinder> openers_;  // if asked for
  Stops stops_ = Stops::kSyscall;

  ProcessKey root_;  // serial 0: attached, there is no main program
  bool root_alive_ = false;
  bool root_stopped_ = false;  // in a group stop
  ExitStatus root_status_;
  std::map<pid_t, int> early_;  // stops of tasks whose parent has not told us of them yet
  bool detaching_ = false, killing_ = false;
  int asked_to_end_ = 0;
  bool warned_setuid_ = false;

  uint64_t seq_ = 0, idle_at_seq_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_progress_{};
  std::optional<Error> sink_error_;
  std::vector<EventBody> bodies_;  // reused by emit_contents
  std::vector<pollfd> polled_;
  int given_away_ = 0;  // processes that a debugger ever held
};

// What a task has open, from the numbers in `directory` (its /proc/PID/fd).
std::vector<FdEvent> open_descriptors(TaskView& task, const std::string& directory);
SyscallCall call_of(const seccomp_notif& request);

}  // namespace fptrace::ptrace
