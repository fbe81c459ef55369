#pragma once
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/analysis/process_tree.h"
#include "common/analysis/taint_report.h"
#include "common/event/tracer.h"

namespace fptrace {

// Makes the report of a trace, or of a stored log, that followed labels.
class TaintAnalysis : public Analysis {
 public:
  Cap needs() const override { return Cap::kProcesses | Cap::kTaint; }
  Result<void> on_event(const Event& event) override;

  // Of the events so far. Bytes by byte of the same source come out the same for equal traces.
  TaintReport report() const;

 private:
  using SourceKey = std::pair<TaintOrigin, std::string>;
  struct Piece {
    size_t source = 0;
    TaintSourceEvent event;
  };
  // Where something was written: a file by its identity, since names change.
  struct OutputKey {
    TaintSink sink;
    std::string path;
    uint64_t dev, ino;
    auto operator<=>(const OutputKey&) const = default;
  };
  struct Write {
    ProcessKey process;
    TaintWriteEvent event;
  };
  struct Output {
    uint64_t time_ns = 0;  // of the last state of a file
    std::vector<Write> writes;
    std::vector<ProcessKey> processes;
  };
  using UseKey = std::tuple<TaintUse, std::string, uint64_t>;
  struct Use {
    TaintUseEvent event;
    std::vector<ProcessKey> processes;
  };
  class Labels;
  class Builder;

  void note_opened(const std::string& path);
  void on_source(const TaintSourceEvent& e);
  void on_write(const Event& event, const TaintWriteEvent& e);
  void on_use(const Event& event, const TaintUseEvent& e);
  void on_descriptor(const Event& event, const FdEvent& e);

  ProcessTree tree_;
  ProcessKey root_;
  bool root_runs_ = false;  // its program, no longer what started it
  bool ended_ = false;
  std::string cwd_;
  std::set<std::string> opened_;  // paths of sources that some process opened, or had open
  std::map<std::pair<uint64_t, uint64_t>, std::string> streams_;  // the trace's own, by dev and ino
  std::vector<SourceKey> sources_;
  std::vector<Piece> pieces_;
  std::map<OutputKey, Output> outputs_;
  std::map<UseKey, Use> uses_;
  std::map<ProcessKey, TaintLabels> holders_;
  std::vector<TaintQueryEvent> queries_;
  std::vector<TaintUnmodelledEvent> unmodelled_;
  TaintSummaryEvent summary_;
  std::vector<TaintNoteEvent> notes_;
};

}  // namespace fptrace
