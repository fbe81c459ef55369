#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/emu/tracer/stopped_task.h"
#include "common/event/event.h"
#include "common/syscall/decoder.h"

namespace fptrace::emu {

struct GuestProcess {
  ProcessKey key, parent;
  int threads = 0;            // that have not ended
  bool leader_ended = false;  // before the others: its number stays until they have ended, too
  int leader_code = 0;
  bool fatal_told = false;  // the signal that kills it was reported
};

// One thread that is traced.
struct GuestThread {
  GuestThread(Guest& guest, const TaskInfo& info, GuestProcess* process)
      : task(info.id.address), tid(info.tid), process(process), view(guest.view(), info) {}

  uint64_t task;  // address of its task_struct
  pid_t tid;
  GuestProcess* process;
  StoppedTask view;
  std::unique_ptr<PendingCall> pending;  // the call it is in, if that matters
  SyscallCall call;                      // that one
  bool partial = false;                  // not all of its arguments could be read at its entry
  uint64_t call_site = 0;                // address of its instruction
  std::string outer_root;                // Session::foreign_root() at its entry
  bool is_exec = false;
  uint32_t observed = 0;  // TaskFlags that an observer wants
  uint64_t mm = 0;        // at the entry of an exec: another one at its return means success
};

// The threads and processes of a trace, by the kernel's addresses.
class GuestThreads {
 public:
  GuestThread* find(uint64_t task);
  GuestThread& add_process(Guest& guest, const TaskInfo& info, ProcessKey parent);
  GuestThread& add_thread(Guest& guest, const TaskInfo& info, GuestProcess& process);
  // A thread that called execve is the leader now, with the process's number.
  GuestThread& become_leader(Guest& guest, const TaskInfo& info);
  // Its process goes with the last thread.
  void remove(uint64_t task);
  // nullptr: no traced process has that number now.
  GuestProcess* find_process(pid_t pid);
  std::vector<GuestThread*> all();
  bool empty() const { return threads_.empty(); }
  uint64_t processes_seen() const { return serial_; }

 private:
  std::unordered_map<uint64_t, std::unique_ptr<GuestThread>> threads_;
  std::unordered_map<pid_t, std::unique_ptr<GuestProcess>> processes_;
  uint32_t serial_ = 0;
};

}  // namespace fptrace::emu
