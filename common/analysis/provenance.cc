#include "common/analysis/provenance.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/analysis/pseudo_path.h"

namespace fptrace {
namespace {

bool reads(uint32_t flags) { return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY; }
bool writes(uint32_t flags) { return (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY; }

// What every program of a system reads before it does anything of its own.
bool is_of_the_loader(const std::string& path) { return path == "/etc/ld.so.cache"; }

}  // namespace

size_t Provenance::file(const FileRef& f) {
  const auto [it, is_new] = index_.try_emplace({f.dev, f.ino}, files_.size());
  if (is_new) files_.push_back({f.path, is_of_the_loader(f.path)});
  return it->second;
}

void Provenance::open(Process& p, const FileRef& f, int32_t fd, uint32_t flags) {
  if (fd >= 0) p.open.erase(fd);  // whatever had that number was closed
  if (!f.exists() || !S_ISREG(f.mode) || is_anonymous(f.path) || is_pseudo_path(f.path)) return;
  const size_t i = file(f);
  if (fd >= 0) p.open[fd] = {i, flags};
  if (reads(flags)) {
    p.reach.insert(i);
    p.read.insert(i);
  }
  if (writes(flags)) p.outputs.insert(i);
}

// What a program was running with is settled when it ends or makes place for another.
void Provenance::end_program(Process& p) {
  for (const size_t output : p.outputs) p.flows[output].insert(p.reach.begin(), p.reach.end());
}

void Provenance::on_exec(Process& p) {
  // What a parent read is of no use to a child that goes on to run another program.
  std::erase_if(p.reach, [&p](size_t file) { return !p.read.contains(file); });
  end_program(p);
  p.reach.clear();
  p.outputs.clear();
  std::erase_if(p.open, [](const auto& entry) { return (entry.second.flags & O_CLOEXEC) != 0; });
  for (const auto& [fd, descriptor] : p.open) {
    if (reads(descriptor.flags)) p.reach.insert(descriptor.file);
    if (writes(descriptor.flags)) p.outputs.insert(descriptor.file);
  }
}

Result<void> Provenance::on_event(const Event& event) {
  if (auto ok = tree_.on_event(event); !ok) return ok;
  if (const auto* e = std::get_if<TraceStartEvent>(&event.body)) cwd_ = e->cwd;
  if (std::holds_alternative<TraceEndEvent>(event.body)) ended_ = true;
  if (event.process.serial == 0) return {};
  Process& p = processes_[event.process];
  if (p.begin == 0) p.begin = event.seq;
  p.end = event.seq;
  if (const auto* e = std::get_if<ForkEvent>(&event.body)) {
    Process child = p;
    child.parent = event.process;
    child.begin = child.end = event.seq;
    child.flows.clear();
    child.read.clear();
    processes_[e->child] = std::move(child);
  } else if (const auto* e = std::get_if<ExecEvent>(&event.body)) {
    if (e->error != 0) return {};
    on_exec(p);
    for (const Lookup* l : {&e->program, &e->loader})
      if (l->file.exists()) files_[file(l->file)].code = true;
  } else if (const auto* e = std::get_if<OpenEvent>(&event.body)) {
    if (e->error == 0) open(p, e->at.file, e->fd, e->flags);
  } else if (const auto* e = std::get_if<FdEvent>(&event.body)) {
    open(p, e->file, e->fd, e->flags);
  } else if (const auto* e = std::get_if<MmapEvent>(&event.body)) {
    if (e->file.exists()) files_[file(e->file)].code = true;
  } else if (const auto* e = std::get_if<RenameEvent>(&event.body)) {
    const auto it = index_.find({e->from.file.dev, e->from.file.ino});
    if (e->error == 0 && e->op == RenameOp::kRename && it != index_.end())
      files_[it->second].path = e->to.file.path;
  } else if (const auto* e = std::get_if<PathEvent>(&event.body)) {
    // Its number may be another file's soon.
    if (e->error == 0 && e->op == PathOp::kUnlink && e->at.file.nlink <= 1)
      index_.erase({e->at.file.dev, e->at.file.ino});
  } else if (std::holds_alternative<ExitEvent>(event.body)) {
    end_program(p);
  }
  return {};
}

TaintReport Provenance::report() const {
  TaintReport out;
  out.coarse = true;
  out.complete = ended_;
  out.cwd = cwd_;
  std::map<size_t, std::map<size_t, std::set<size_t>>> flows;  // output, source, processes
  std::map<ProcessKey, size_t> processes;
  const auto process_index = [&](ProcessKey key) {
    const auto [it, is_new] = processes.try_emplace(key, out.processes.size());
    if (is_new) {
      TaintReport::Process& row = out.processes.emplace_back();
      row.key = key;
      if (const ProcessRecord* record = tree_.find(key)) {
        row.program = record->program;
        row.argv = record->argv;
      }
    }
    return it->second;
  };
  std::map<std::string, size_t> sources;  // by path
  const auto source_index = [&](size_t file) {
    const auto [it, is_new] = sources.try_emplace(files_[file].path, out.sources.size());
    if (is_new) {
      TaintReport::Source& row = out.sources.emplace_back();
      row.name = files_[file].path;
      row.one_label = true;
    }
    return it->second;
  };
  for (const auto& [key, found] : processes_) {
    Process p = found;
    if (!ended_) end_program(p);  // it was never seen to end
    for (auto& [output, from] : p.flows) {
      for (const auto& [other_key, other] : processes_)
        if (other_key != key && other.parent == p.parent && p.parent.serial != 0 &&
            other.begin < p.end && p.begin < other.end)
          from.insert(other.read.begin(), other.read.end());
      for (const size_t file : from)
        if (file != output && !files_[file].code)
          flows[output][source_index(file)].insert(process_index(key));
    }
  }
  for (const auto& [key, p] : processes_) {
    std::set<size_t> held;
    for (const size_t file : p.read)
      if (const auto it = sources.find(files_[file].path);
          it != sources.end() && !files_[file].code)
        held.insert(it->second);
    if (held.empty()) continue;
    auto& row = out.processes[process_index(key)];
    for (const size_t source : held) row.holds.push_back({source, 0, 0, true});
  }
  std::map<std::string, TaintReport::Output> outputs;
  for (const auto& [output, from] : flows) {
    TaintReport::Output& row = outputs[files_[output].path];
    row.name = files_[output].path;
    for (const auto& [source, by] : from) {
      const TaintReport::Bytes whole{source, 0, 0, true};
      if (std::ranges::find(row.from, whole) == row.from.end()) row.from.push_back(whole);
      for (const size_t process : by)
        if (std::ranges::find(row.processes, process) == row.processes.end())
          row.processes.push_back(process);
    }
  }
  for (auto& [path, row] : outputs) out.outputs.push_back(std::move(row));
  return out;
}

}  // namespace fptrace
