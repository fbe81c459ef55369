#include "common/analysis/taint_analysis.h"

#include <algorithm>
#include <set>

namespace fptrace {
namespace {

using Bytes = TaintReport::Bytes;

void add_once(std::vector<ProcessKey>& list, ProcessKey key) {
  if (key.serial != 0 && std::ranges::find(list, key) == list.end()) list.push_back(key);
}

}  // namespace

// What labels stand for: spans of label numbers, each with what it names.
class TaintAnalysis::Labels {
 public:
  explicit Labels(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) {
      const TaintSourceEvent& e = piece.event;
      if (e.length == 0) continue;
      const uint64_t last = e.step == 0 ? e.first_label : e.first_label + e.length - 1;
      // A program's own labels are numbers, no bytes of anything.
      const bool whole = e.step == 0 && e.origin != TaintOrigin::kGuest;
      add({e.first_label, last, piece.source, e.offset, whole});
    }
  }

  std::vector<Bytes> bytes(const TaintLabels& labels) const {
    std::vector<Bytes> out;
    for (const LabelRun& run : labels.runs) append(run, out);
    std::ranges::sort(out, {}, [](const Bytes& b) { return std::pair(b.source, b.first); });
    size_t kept = 0;
    for (const Bytes& b : out) {
      Bytes* const before = kept > 0 ? &out[kept - 1] : nullptr;
      const bool joins = before && before->source == b.source &&
                         (b.whole ? before->whole : b.first <= before->last + 1);
      if (joins)
        before->last = std::max(before->last, b.last);
      else
        out[kept++] = b;
    }
    out.resize(kept);
    return out;
  }

 private:
  struct Span {
    uint64_t first, last;  // labels
    size_t source;
    uint64_t offset;  // of the byte that has `first`
    bool whole;
  };
  // Pieces of one source agree about a label: what is new of a piece is what no span has.
  void add(Span span) {
    auto it = spans_.upper_bound(span.first);
    if (it != spans_.begin() && std::prev(it)->second.last >= span.first) --it;
    while (span.first <= span.last) {
      const bool free = it == spans_.end() || it->second.first > span.last;
      const uint64_t end = free ? span.last : it->second.first - 1;
      if (free || it->second.first > span.first) insert(span, end);
      if (free || it->second.last >= span.last) return;
      const uint64_t next = it->second.last + 1;
      if (!span.whole) span.offset += next - span.first;
      span.first = next;
      ++it;
    }
  }
  void insert(Span span, uint64_t last) {
    span.last = last;
    spans_.emplace(span.first, span);
  }
  void append(LabelRun run, std::vector<Bytes>& out) const {
    auto it = spans_.upper_bound(run.first);
    if (it != spans_.begin()) --it;
    for (; it != spans_.end() && it->second.first <= run.last; ++it) {
      const Span& s = it->second;
      if (s.last < run.first) continue;
      const uint64_t first = std::max<uint64_t>(run.first, s.first),
                     last = std::min<uint64_t>(run.last, s.last);
      if (s.whole)
        out.push_back({s.source, 0, 0, true});
      else
        out.push_back({s.source, s.offset + (first - s.first), s.offset + (last - s.first), false});
    }
  }

  std::map<uint64_t, Span> spans_;  // by their first label; none overlaps another
};

Result<void> TaintAnalysis::on_event(const Event& event) {
  if (auto ok = tree_.on_event(event); !ok) return ok;
  if (root_.serial == 0) root_ = event.process;
  if (const auto* e = std::get_if<TraceStartEvent>(&event.body)) cwd_ = e->cwd;
  if (const auto* e = std::get_if<FdEvent>(&event.body)) on_descriptor(event, *e);
  if (const auto* e = std::get_if<OpenEvent>(&event.body); e && e->error == 0)
    note_opened(e->at.file.path);
  if (const auto* e = std::get_if<MmapEvent>(&event.body)) note_opened(e->file.path);
  if (const auto* e = std::get_if<ExecEvent>(&event.body); e && e->error == 0)
    note_opened(e->program.file.path);
  if (std::holds_alternative<ExecEvent>(event.body)) root_runs_ = true;
  if (const auto* e = std::get_if<TaintSourceEvent>(&event.body)) on_source(*e);
  if (const auto* e = std::get_if<TaintWriteEvent>(&event.body)) on_write(event, *e);
  if (const auto* e = std::get_if<TaintUseEvent>(&event.body)) on_use(event, *e);
  if (const auto* e = std::get_if<TaintHolderEvent>(&event.body))
    holders_[event.process].add(e->labels);
  if (const auto* e = std::get_if<TaintQueryEvent>(&event.body)) queries_.push_back(*e);
  if (const auto* e = std::get_if<TaintUnmodelledEvent>(&event.body)) unmodelled_.push_back(*e);
  if (const auto* e = std::get_if<TaintSummaryEvent>(&event.body)) summary_ = *e;
  if (const auto* e = std::get_if<TaintNoteEvent>(&event.body)) notes_.push_back(*e);
  ended_ = ended_ || std::holds_alternative<TraceEndEvent>(event.body);
  return {};
}

// What the main program was given as its standard streams is a pipe to somebody outside.
void TaintAnalysis::on_descriptor(const Event& event, const FdEvent& e) {
  note_opened(e.file.path);
  if (root_runs_ || event.process != root_ || e.origin != FdOrigin::kInherited) return;
  const char* const names[] = {"standard input", "standard output", "standard error"};
  if (e.fd < 0 || e.fd > 2 || e.file.path.starts_with('/')) return;
  streams_.try_emplace({e.file.dev, e.file.ino}, names[e.fd]);
}

void TaintAnalysis::note_opened(const std::string& path) {
  if (std::ranges::find(sources_, SourceKey{TaintOrigin::kFile, path}) != sources_.end())
    opened_.insert(path);
}

void TaintAnalysis::on_source(const TaintSourceEvent& e) {
  const SourceKey key{e.origin, e.name};
  const auto it = std::ranges::find(sources_, key);
  const auto index = size_t(it - sources_.begin());
  if (it == sources_.end()) sources_.push_back(key);
  pieces_.push_back({index, e});
}

void TaintAnalysis::on_write(const Event& event, const TaintWriteEvent& e) {
  const bool is_file = e.sink == TaintSink::kFile;
  const OutputKey key{e.sink, is_file ? "" : e.file.path, e.file.dev, e.file.ino};
  Output& output = outputs_[key];
  // Another state of a file takes the place of the one before.
  if (is_file && output.time_ns != event.time_ns) output.writes.clear();
  output.time_ns = event.time_ns;
  if (e.length == 0) return;
  output.writes.push_back({event.process, e});
  add_once(output.processes, event.process);
}

void TaintAnalysis::on_use(const Event& event, const TaintUseEvent& e) {
  const UseKey key{e.use, e.at.object, e.at.object.empty() ? e.at.address : e.at.offset};
  const auto [it, is_new] = uses_.try_emplace(key, Use{e, {}});
  if (!is_new) {
    it->second.event.labels.add(e.labels);
    it->second.event.times += e.times;
  }
  add_once(it->second.processes, event.process);
}

class TaintAnalysis::Builder {
 public:
  explicit Builder(const TaintAnalysis& a) : a_(a), labels_(a.pieces_) {}

  TaintReport build() {
    out_.complete = a_.ended_;
    out_.cwd = a_.cwd_;
    out_.unmodelled = a_.unmodelled_;
    out_.summary = a_.summary_;
    out_.notes = a_.notes_;
    add_sources();
    // A process that hands bytes on by system calls alone has them in no register.
    std::map<ProcessKey, TaintLabels> holders = a_.holders_;
    for (const auto& [key, output] : a_.outputs_)
      for (const Write& write : output.writes)
        if (write.process.serial != 0) holders[write.process].add(write.event.labels);
    for (const auto& [key, held] : holders) {
      auto& process = out_.processes[index_of(key)];
      process.holds = labels_.bytes(held);
      process.merged = held.merged;
    }
    for (const auto& [key, output] : a_.outputs_) add_output(key, output);
    for (const auto& [key, use] : a_.uses_) add_use(use);
    for (const TaintQueryEvent& q : a_.queries_)
      out_.queries.push_back({q, labels_.bytes(q.labels)});
    find_dead();
    note_what_was_never_there();
    return std::move(out_);
  }

 private:
  void add_sources() {
    for (const auto& [origin, name] : a_.sources_) {
      TaintReport::Source& source = out_.sources.emplace_back();
      source.origin = origin;
      source.name = name;
    }
    all_.resize(out_.sources.size());
    for (const Piece& piece : a_.pieces_) {
      const TaintSourceEvent& e = piece.event;
      TaintReport::Source& source = out_.sources[piece.source];
      source.one_label = e.step == 0 && e.origin != TaintOrigin::kGuest;
      if (e.length == 0) continue;
      if (e.step == 0) {
        all_[piece.source].add({e.first_label, e.first_label});
        if (source.one_label) source.bytes += e.length;
      } else {
        all_[piece.source].add({e.first_label, uint32_t(e.first_label + e.length - 1)});
      }
    }
    for (size_t i = 0; i < out_.sources.size(); ++i) {
      out_.sources[i].ranges = labels_.bytes(all_[i]);
      if (!out_.sources[i].one_label) out_.sources[i].bytes = all_[i].count();
    }
  }

  size_t index_of(ProcessKey key) {
    const auto [it, is_new] = process_index_.try_emplace(key, out_.processes.size());
    if (is_new) {
      TaintReport::Process& process = out_.processes.emplace_back();
      process.key = key;
      if (const ProcessRecord* record = a_.tree_.find(key)) {
        process.program = record->program;
        process.argv = record->argv;
      }
    }
    return it->second;
  }
  std::vector<size_t> indexes_of(const std::vector<ProcessKey>& keys) {
    std::vector<size_t> out;
    out.reserve(keys.size());
    for (const ProcessKey key : keys) out.push_back(index_of(key));
    std::ranges::sort(out);
    return out;
  }

  void add_output(const OutputKey& key, const Output& output) {
    if (output.writes.empty()) return;
    const FileRef& file = output.writes.back().event.file;
    const auto stream = a_.streams_.find({key.dev, key.ino});
    const bool is_stream = stream != a_.streams_.end() && key.sink != TaintSink::kFile;
    TaintReport::Output row;
    row.sink = key.sink;
    row.name = is_stream ? stream->second : file.path;
    row.internal = key.sink == TaintSink::kPipe && !is_stream;
    row.processes = indexes_of(output.processes);
    TaintLabels all;
    for (const Write& write : output.writes) {
      all.add(write.event.labels);
      row.bytes += write.event.length;
      add_flow(out_.outputs.size(), write.event);
    }
    row.from = labels_.bytes(all);
    row.merged = all.merged;
    if (!row.internal) used_.add(all);
    out_.outputs.push_back(std::move(row));
  }

  // One byte of one byte is the shortest row of them.
  static bool may_be_positional(const TaintReport::Flow& f) {
    const bool one = f.first == f.last && f.from.size() == 1 && f.from[0].first == f.from[0].last;
    return !f.merged && (f.positional || (one && !f.from[0].whole));
  }

  // Joins the one before where together they are as regular as each alone.
  void add_flow(size_t output, const TaintWriteEvent& e) {
    TaintReport::Flow flow{
        output,          e.offset, e.offset + e.length - 1, e.positional, labels_.bytes(e.labels),
        e.labels.merged, e.depth};
    if (flow.from.size() != 1) flow.positional = false;
    if (out_.flows.empty() || out_.flows.back().output != output)
      return out_.flows.push_back(std::move(flow));
    TaintReport::Flow& before = out_.flows.back();
    const bool adjacent = before.last + 1 == flow.first && before.merged == flow.merged;
    const bool in_step = adjacent && may_be_positional(before) && may_be_positional(flow) &&
                         before.from[0].source == flow.from[0].source &&
                         before.from[0].last + 1 == flow.from[0].first;
    const bool same =
        adjacent && !before.positional && !flow.positional && before.from == flow.from;
    if (!in_step && !same) return out_.flows.push_back(std::move(flow));
    if (in_step) {
      before.positional = true;
      before.from[0].last = flow.from[0].last;
    }
    before.last = flow.last;
    before.depth = std::max(before.depth, flow.depth);
  }

  void add_use(const Use& use) {
    used_.add(use.event.use == TaintUse::kInstruction ? TaintLabels() : use.event.labels);
    out_.uses.push_back({use.event.use, use.event.at, indexes_of(use.processes),
                         labels_.bytes(use.event.labels), use.event.labels.merged,
                         use.event.times});
  }

  // Labels that did not come to be must not look like bytes that led nowhere.
  void note_what_was_never_there() {
    for (const TaintReport::Source& source : out_.sources) {
      const std::string name = title(out_, source);
      const bool is_file = source.origin == TaintOrigin::kFile;
      const bool told = std::ranges::any_of(
          out_.notes, [&](const TaintNoteEvent& n) { return n.detail.starts_with(source.name); });
      if (is_file && !a_.opened_.contains(source.name) && !told)
        out_.notes.push_back({"never opened", name + ": no process of the recording opened it"});
      if (source.origin == TaintOrigin::kStdin && source.bytes == 0)
        out_.notes.push_back({"never read", name + ": nothing came by it"});
      if (source.origin == TaintOrigin::kNetwork && source.bytes == 0)
        out_.notes.push_back({"never received", name + ": nothing was received from it"});
    }
  }

  void find_dead() {
    for (size_t i = 0; i < out_.sources.size(); ++i) {
      TaintReport::Source& source = out_.sources[i];
      const TaintLabels dead = all_[i].minus(used_);
      source.dead = labels_.bytes(dead);
      source.dead_bytes = source.one_label ? (dead.empty() ? 0 : source.bytes) : dead.count();
    }
  }

  const TaintAnalysis& a_;
  const Labels labels_;
  TaintReport out_;
  std::map<ProcessKey, size_t> process_index_;
  std::vector<TaintLabels> all_;  // of each source
  TaintLabels used_;
};

TaintReport TaintAnalysis::report() const { return Builder(*this).build(); }

}  // namespace fptrace
