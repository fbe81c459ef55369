#include "backends/emu/tracer/guest_thread.h"

namespace fptrace::emu {

GuestThread* GuestThreads::find(uint64_t task) {
  const auto it = threads_.find(task);
  return it == threads_.end() ? nullptr : it->second.get();
}

GuestThread& GuestThreads::add_process(Guest& guest, const TaskInfo& info, ProcessKey parent) {
  auto& process = processes_[info.pid];
  process = std::make_unique<GuestProcess>();
  process->key = {info.pid, ++serial_};
  process->parent = parent;
  return add_thread(guest, info, *process);
}

GuestThread& GuestThreads::add_thread(Guest& guest, const TaskInfo& info, GuestProcess& process) {
  ++process.threads;
  auto& thread = threads_[info.id.address];
  thread = std::make_unique<GuestThread>(guest, info, &process);
  return *thread;
}

GuestThread& GuestThreads::become_leader(Guest& guest, const TaskInfo& info) {
  auto& thread = threads_[info.id.address];
  auto leader = std::make_unique<GuestThread>(guest, info, thread->process);
  leader->pending = std::move(thread->pending);
  leader->call = thread->call;
  leader->partial = thread->partial;
  leader->call_site = thread->call_site;
  leader->outer_root = thread->outer_root;
  leader->is_exec = thread->is_exec;
  leader->mm = thread->mm;
  leader->observed = thread->observed;
  thread = std::move(leader);
  thread->process->leader_ended = false;
  return *thread;
}

void GuestThreads::remove(uint64_t task) {
  const auto it = threads_.find(task);
  if (it == threads_.end()) return;
  GuestProcess* const process = it->second->process;
  threads_.erase(it);
  if (--process->threads == 0) processes_.erase(process->key.pid);
}

GuestProcess* GuestThreads::find_process(pid_t pid) {
  const auto it = processes_.find(pid);
  return it == processes_.end() ? nullptr : it->second.get();
}

std::vector<GuestThread*> GuestThreads::all() {
  std::vector<GuestThread*> all;
  for (const auto& [task, thread] : threads_) all.push_back(thread.get());
  return all;
}

}  // namespace fptrace::emu
