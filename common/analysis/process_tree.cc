#include "common/analysis/process_tree.h"

namespace fptrace {

const FileRef& executed_binary(const ExecEvent& exec) {
  return exec.interpreters.empty() ? exec.program.file : exec.interpreters.back().file;
}

const ProcessRecord* ProcessTree::find(ProcessKey key) const {
  const auto it = index_.find(key);
  return it == index_.end() ? nullptr : &processes_[it->second];
}

ProcessRecord& ProcessTree::record(const Event& event, ProcessKey key) {
  const auto [it, added] = index_.try_emplace(key, processes_.size());
  if (added) {
    ProcessRecord& p = processes_.emplace_back();
    p.key = key;
    p.start_seq = event.seq;
    p.start_ns = event.time_ns;
  }
  return processes_[it->second];
}

Result<void> ProcessTree::on_event(const Event& event) {
  if (event.process.serial == 0) return {};
  // Events that make no process known need no record: a lookup per event would cost the most.
  if (const auto* fork = std::get_if<ForkEvent>(&event.body)) {
    const ProcessRecord parent = record(event, event.process);
    ProcessRecord& child = record(event, fork->child);
    child.parent = event.process;
    child.program = parent.program;
    child.argv = parent.argv;
  } else if (const auto* attach = std::get_if<AttachEvent>(&event.body)) {
    ProcessRecord& p = record(event, event.process);
    p.parent = attach->parent;
    p.attached = true;
    p.threads = uint32_t(attach->tids.size());
  } else if (std::holds_alternative<DetachEvent>(event.body)) {
    ProcessRecord& p = record(event, event.process);
    p.detached = true;
    p.end_ns = event.time_ns;
  } else if (std::holds_alternative<ThreadEvent>(event.body)) {
    ++record(event, event.process).threads;
  } else if (const auto* exec = std::get_if<ExecEvent>(&event.body)) {
    ProcessRecord& p = record(event, event.process);
    if (exec->error != 0) return {};
    ++p.execs;
    p.program = executed_binary(*exec).path;
    p.argv = exec->argv;
  } else if (const auto* exit = std::get_if<ExitEvent>(&event.body)) {
    ProcessRecord& p = record(event, event.process);
    p.exit = exit->status;
    p.end_ns = event.time_ns;
  }
  return {};
}

}  // namespace fptrace
