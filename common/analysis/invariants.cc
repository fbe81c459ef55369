#include "common/analysis/invariants.h"

namespace fptrace {
namespace {

std::string name(ProcessKey key) {
  return "process " + std::to_string(key.pid) + "#" + std::to_string(key.serial);
}

bool belongs_to_trace(const Event& event) {
  return std::holds_alternative<TraceStartEvent>(event.body) ||
         std::holds_alternative<TraceEndEvent>(event.body) ||
         std::holds_alternative<ContentEvent>(event.body) ||
         std::holds_alternative<TaintSourceEvent>(event.body) ||
         std::holds_alternative<TaintWriteEvent>(event.body) ||
         std::holds_alternative<TaintUseEvent>(event.body) ||
         std::holds_alternative<TaintUnmodelledEvent>(event.body) ||
         std::holds_alternative<TaintSummaryEvent>(event.body) ||
         std::holds_alternative<TaintNoteEvent>(event.body);
}

}  // namespace

void Invariants::violate(const Event& event, std::string what) {
  ++count_;
  if (violations_.size() < kMaxKept) violations_.push_back({event.seq, std::move(what)});
}

void Invariants::check_place(const Event& event) {
  if (event.seq != last_seq_ + 1) {
    violate(event,
            "sequence number " + std::to_string(event.seq) + " after " + std::to_string(last_seq_));
  }
  last_seq_ = event.seq;
  const bool start = std::holds_alternative<TraceStartEvent>(event.body);
  if (start && started_) violate(event, "a second start of the trace");
  if (!start && !started_) violate(event, "event before the start of the trace");
  started_ = true;
  if (ended_) violate(event, "event after the end of the trace");
}

void Invariants::begin(const Event& event, ProcessKey key, std::set<int32_t> tids) {
  if (!processes_.try_emplace(key, Process{false, std::move(tids), false}).second) {
    violate(event, name(key) + " begins twice");
  }
}

// The process whose event this is; nullptr (and a violation) when it should not act.
Invariants::Process* Invariants::acting(const Event& event) {
  auto it = processes_.find(event.process);
  if (it == processes_.end()) {
    // The main program is nobody's child; everyone else must have been announced.
    if (have_root_) violate(event, "event of " + name(event.process) + " before its fork");
    it = processes_.try_emplace(event.process, Process{false, {event.process.pid}, false}).first;
  }
  have_root_ = true;
  if (it->second.ended) {
    violate(event, "event of " + name(event.process) + " after its end");
    return nullptr;
  }
  return &it->second;
}

void Invariants::check_body(const Event& event, Process& process) {
  const ProcessKey key = event.process;
  const bool has_tid = event.tid == 0 || process.tids.contains(event.tid);
  if (const auto* fork = std::get_if<ForkEvent>(&event.body)) {
    begin(event, fork->child, {fork->child.pid});
  } else if (const auto* thread = std::get_if<ThreadEvent>(&event.body)) {
    if (!process.tids.insert(thread->tid).second) {
      violate(event, "thread " + std::to_string(thread->tid) + " begins twice");
    }
  } else if (const auto* gone = std::get_if<ThreadExitEvent>(&event.body)) {
    if (process.tids.erase(gone->tid) == 0) {
      violate(event, "end of thread " + std::to_string(gone->tid) + " that never began");
    }
    return;  // `tid` is the thread that is gone
  } else if (const auto* exec = std::get_if<ExecEvent>(&event.body)) {
    // execve(2): all other threads are destroyed, and the caller takes the process's id.
    // The first one after an attach only says what runs already.
    const bool described = std::exchange(process.to_be_described, false);
    if (exec->error == 0 && !described) process.tids = {key.pid};
  } else if (const auto* open = std::get_if<OpenEvent>(&event.body)) {
    if (open->error != 0 && (open->created || open->fd >= 0)) {
      violate(event, "a failed open made a file or a descriptor");
    }
  } else if (std::holds_alternative<ExitEvent>(event.body) ||
             std::holds_alternative<DetachEvent>(event.body)) {
    process.ended = true;
    process.tids.clear();
    return;
  }
  if (!has_tid) {
    violate(event, "thread " + std::to_string(event.tid) + " is not of " + name(key));
  }
}

Result<void> Invariants::on_event(const Event& event) {
  check_place(event);
  if (std::holds_alternative<TraceEndEvent>(event.body)) {
    ended_ = true;
    for (const auto& [key, process] : processes_) {
      if (!process.ended) violate(event, "the trace ends while " + name(key) + " lives");
    }
  }
  if (event.process.serial == 0) {
    if (!belongs_to_trace(event) && !std::holds_alternative<GapEvent>(event.body)) {
      violate(event, "event of no process");
    }
    return {};
  }
  if (const auto* attach = std::get_if<AttachEvent>(&event.body)) {
    begin(event, event.process, {attach->tids.begin(), attach->tids.end()});
    processes_[event.process].to_be_described = true;
    have_root_ = true;
    return {};
  }
  if (Process* process = acting(event)) check_body(event, *process);
  return {};
}

}  // namespace fptrace
