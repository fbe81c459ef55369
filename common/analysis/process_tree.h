#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/analysis/hash.h"
#include "common/event/tracer.h"

namespace fptrace {

struct ProcessRecord {
  ProcessKey key;
  ProcessKey parent;                  // serial 0: not traced
  bool attached = false;              // ran before the trace
  bool detached = false;              // lived on after it
  uint64_t start_seq = 0;             // event that made it known
  uint64_t start_ns = 0, end_ns = 0;  // since trace start
  uint32_t threads = 1;               // ever, with the first
  uint32_t execs = 0;                 // successful ones
  std::string program;                // canonical path of the last one; a parent's until the first
  std::vector<std::string> argv;
  std::optional<ExitStatus> exit;
};

// Who started whom, what ran, how it ended. Keeps one record for every process of the trace.
class ProcessTree : public Analysis {
 public:
  Cap needs() const override { return Cap::kProcesses; }
  Result<void> on_event(const Event& event) override;

  // In order of appearance.
  const std::vector<ProcessRecord>& processes() const { return processes_; }
  const ProcessRecord* find(ProcessKey key) const;

 private:
  ProcessRecord& record(const Event& event, ProcessKey key);

  std::vector<ProcessRecord> processes_;
  std::unordered_map<ProcessKey, size_t, ProcessKeyHash> index_;
};

// The binary that a successful exec runs: the last interpreter of a script.
const FileRef& executed_binary(const ExecEvent& exec);

}  // namespace fptrace
