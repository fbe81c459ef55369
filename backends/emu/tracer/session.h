#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backends/emu/channel/channel.h"
#include "backends/emu/osi/guest_memory.h"
#include "backends/emu/tracer/guest_contents.h"
#include "backends/emu/tracer/guest_thread.h"
#include "backends/emu/tracer/kernel_hooks.h"
#include "backends/emu/tracer/observer.h"
#include "common/content/content_tracker.h"
#include "common/event/tracer.h"
#include "common/syscall/decoder.h"
#include "common/unwind/opener.h"

namespace fptrace::emu {

// Turns the stops of one guest into events, from the mark of its init that the program begins to
// the one that it has ended. Single-threaded.
//
// session.cc has the loop, calls.cc what happens at system calls, lifecycle.cc the birth and death
// of tasks.
class Session {
 public:
  struct Options {
    bool openers = false;
    bool hash = true;            // report contents
    bool whole_machine = false;  // every process of the guest, not the program's tree alone
    Calls calls = Calls::kDecoded;
    std::vector<Observer*> observers;  // must outlive the session
    // Called now and then with the number of events and processes so far; may be null.
    std::function<void(uint64_t events, uint64_t processes)> progress;
  };
  // `disk`: see GuestContents.
  Session(const Options& options, Channel& channel, const GuestMemory& memory,
          const DiskReader* disk, EventSink& sink)
      : options_(options), channel_(channel), memory_(memory), disk_(disk), sink_(sink) {
    if (options_.openers) openers_.emplace();
  }

  // Until QEMU has ended, `call_off` says so, or an observer has seen enough. Returns how the
  // program ended; nullopt when the guest never came to that. `start`: what the first event says.
  Result<std::optional<ExitStatus>> run(TraceStartEvent start,
                                        const std::function<bool()>& call_off);
  // It was an observer that ended the run; the guest did not get to its end.
  bool saw_enough() const { return saw_enough_; }

 private:
  // session.cc
  Result<void> on_stop();
  Result<void> handle_stop();
  Sight sight() { return {*guest_, channel_, threads_, first_count_, emit_, disk_}; }
  Result<void> let_observe(Result<Observer::Next> (Observer::*what)(const Sight&));
  Result<void> find_kernel();
  Result<void> on_ready();
  Result<void> on_marker();
  Result<void> begin(uint64_t task);
  void report_descriptors(GuestThread& thread);
  void finish(int wait_status);
  Result<void> watch(GuestThread& thread, uint32_t more_flags = 0);
  void emit_contents();
  void emit(const GuestThread* thread, EventBody body);
  void emit(ProcessKey process, pid_t tid, EventBody body);
  void tell();
  const StopRecord& stop() const { return channel_.stop(); }

  // calls.cc
  Result<void> on_call();
  Result<void> on_return();
  void end_call(GuestThread& thread, int64_t result);
  std::string foreign_root(GuestThread& thread);
  void learn_overlay(GuestThread& thread, const MountEvent& mount);
  void tell_opener(GuestThread& thread, EventBody& body);

  // lifecycle.cc
  // A task that ran before the trace began, of a trace of the whole machine. nullptr: not traced.
  GuestThread* find_or_adopt(uint64_t task);
  void report_running_process(GuestThread& thread, const TaskInfo& info);
  Result<void> on_hook();
  Result<void> on_new_task(GuestThread& parent);
  void on_task_end(GuestThread& thread);
  std::optional<uint64_t> group_exit_code(const GuestThread& thread) const;
  void report_fatal_signal(GuestThread& thread, int signo);
  void end_process(GuestThread& last);
  void on_signal_work(GuestThread& thread);
  bool was_denied(const GuestThread& thread, const SavedRegisters& saved) const;
  void on_handler(GuestThread& thread);
  void on_new_program(GuestThread& thread);
  GuestThread& on_exec_done(GuestThread& thread);

  const Options& options_;
  Channel& channel_;
  const GuestMemory& memory_;
  const DiskReader* disk_;
  EventSink& sink_;
  std::optional<GuestKernel> kernel_;  // once it is found
  std::optional<Guest> guest_;         // once the program has begun
  std::optional<GuestContents> contents_;
  std::optional<ContentTracker> tracker_;  // if asked for
  GuestThreads threads_;
  Decoder decoder_;
  std::optional<unwind::OpenerFinder> openers_;  // if asked for

  TraceStartEvent start_;
  std::optional<ExitStatus> status_;
  ProcessKey root_;
  uint64_t seq_ = 0;
  std::vector<Event> untold_;  // of this stop: the sink has them while the guest goes on
  uint64_t first_count_ = 0;
  const std::function<void(const GuestThread*, EventBody)> emit_ =
      [this](const GuestThread* thread, EventBody body) { emit(thread, std::move(body)); };
  std::optional<Error> sink_error_;
  bool saw_enough_ = false;
};

}  // namespace fptrace::emu
