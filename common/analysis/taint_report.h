#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/event/event.h"

namespace fptrace {

// Which bytes of what reached which outputs, branches and processes. Made by TaintAnalysis from
// labels that were followed, or by Provenance from opened files alone: then it is `coarse`, speaks
// of whole files, and has no uses. Indexes are into the lists of the same report.
struct TaintReport {
  struct Bytes {
    size_t source = 0;
    uint64_t first = 0, last = 0;  // of the source; both are among them
    bool whole = false;            // of a source with one label: which bytes is not known
    bool operator==(const Bytes&) const = default;
  };
  struct Source {
    TaintOrigin origin = TaintOrigin::kFile;
    std::string name;
    bool one_label = false;
    uint64_t bytes = 0;         // that were labelled
    std::vector<Bytes> ranges;  // of them
    std::vector<Bytes> dead;    // those that reached neither branch, jump nor output
    uint64_t dead_bytes = 0;
  };
  struct Process {
    ProcessKey key;
    std::string program;            // what it ran last, by path
    std::vector<std::string> argv;  // of that
    std::vector<Bytes> holds;  // what it had in its registers, or wrote; coarse: what it opened
    bool merged = false;
  };
  // Consecutive bytes with labels of the same kind.
  struct Flow {
    size_t output = 0;
    uint64_t first = 0, last = 0;  // bytes of the output; coarse: 0 and 0
    // Byte i of these comes from byte i of `from`, which is one range then; else each of them may
    // come from all of it.
    bool positional = false;
    std::vector<Bytes> from;
    bool merged = false;
    uint32_t depth = 0;
    bool operator==(const Flow&) const = default;
  };
  struct Output {
    TaintSink sink = TaintSink::kFile;
    std::string name;       // a path, "standard output", "pipe:[123]"
    bool internal = false;  // a pipe between processes of the trace: not where data ends up
    uint64_t bytes = 0;     // with labels
    std::vector<Bytes> from;
    std::vector<size_t> processes;  // that wrote it
    bool merged = false;
  };
  struct Use {
    TaintUse use = TaintUse::kBranch;
    CodePlace at;
    std::vector<size_t> processes;
    std::vector<Bytes> from;
    bool merged = false;
    uint64_t times = 0;
  };
  struct Query {
    TaintQueryEvent event;
    std::vector<Bytes> from;
  };

  bool coarse = false;
  bool complete = false;  // the trace was seen to its end
  std::string cwd;        // of the main program when it began
  std::vector<Source> sources;
  std::vector<Process> processes;  // those that hold or wrote something
  std::vector<Output> outputs;
  std::vector<Flow> flows;  // by output and byte
  std::vector<Use> uses;    // by kind, then object and place
  std::vector<Query> queries;
  std::vector<TaintUnmodelledEvent> unmodelled;
  TaintSummaryEvent summary;
  std::vector<TaintNoteEvent> notes;
};

// What a second report has that the first one has not, for the same run.
struct TaintDifference {
  struct Output {
    std::string name;
    uint64_t bytes = 0;             // with labels only there
    std::vector<std::string> from;  // what it comes from only there: "in.bin[0..15]"
  };
  std::vector<Output> outputs;
  uint64_t uses = 0;  // places
};
TaintDifference difference(const TaintReport& first, const TaintReport& second);

// For a person, with paths as seen from the main program's working directory: "in.bin[0..15]", the
// name alone where no bytes are told; "in.bin", "argument 1", "$HOME"; "out.bin".
std::string describe(const TaintReport& report, const TaintReport::Bytes& bytes);
std::string title(const TaintReport& report, const TaintReport::Source& source);
std::string title(const TaintReport& report, const TaintReport::Output& output);
// "[3]", "[3..7]"
std::string byte_range(uint64_t first, uint64_t last);

}  // namespace fptrace
