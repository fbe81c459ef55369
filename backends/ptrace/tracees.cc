#include "backends/ptrace/tracees.h"

#include <algorithm>

namespace fptrace::ptrace {

Task* Tracees::find(pid_t tid) {
  const auto it = tasks_.find(tid);
  return it == tasks_.end() ? nullptr : it->second.get();
}

Task& Tracees::add_process(pid_t pid, ProcessKey parent) {
  auto process = std::make_unique<Process>();
  process->key = {pid, ++serial_};
  process->parent = parent;
  Process& p = *(processes_[pid] = std::move(process));
  return add_thread(pid, p);
}

Task& Tracees::add_thread(pid_t tid, Process& process) {
  ++process.threads;
  return *(tasks_[tid] = std::make_unique<Task>(tid, &process));
}

void Tracees::remove(pid_t tid) {
  const auto it = tasks_.find(tid);
  if (it == tasks_.end()) return;
  Process* process = it->second->process;
  tasks_.erase(it);
  if (--process->threads == 0) processes_.erase(process->key.pid);
}

void Tracees::become_leader(pid_t former, pid_t pid) {
  const auto it = tasks_.find(former);
  if (it == tasks_.end()) return;
  auto leader = std::make_unique<Task>(pid, it->second->process);
  leader->pending = std::move(it->second->pending);
  leader->await = it->second->await;
  leader->detach = it->second->detach;
  tasks_.erase(it);
  --leader->process->threads;
  const auto old = tasks_.find(pid);
  if (old == tasks_.end()) ++leader->process->threads;
  tasks_[pid] = std::move(leader);
}

std::vector<Task*> Tracees::all() {
  std::vector<Task*> tasks;
  for (const auto& [tid, task] : tasks_) tasks.push_back(task.get());
  std::sort(tasks.begin(), tasks.end(), [](auto* a, auto* b) { return a->tid < b->tid; });
  return tasks;
}

std::vector<Task*> Tracees::of(const Process& process) {
  std::vector<Task*> tasks;
  for (const auto& [tid, task] : tasks_)
    if (task->process == &process) tasks.push_back(task.get());
  std::sort(tasks.begin(), tasks.end(), [](auto* a, auto* b) { return a->tid < b->tid; });
  return tasks;
}

std::vector<Process*> Tracees::watched() {
  std::vector<Process*> found;
  for (const auto& [pid, process] : processes_)
    if (process->pidfd) found.push_back(process.get());
  return found;
}

}  // namespace fptrace::ptrace
