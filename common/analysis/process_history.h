#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "common/analysis/process_tree.h"

namespace fptrace {

// One program that a process ran, of the several that it may have become one after the other.
struct ExecStep {
  std::string program;      // canonical path of the file that was named
  std::string interpreter;  // of a script: the binary that ran; else empty
  std::vector<std::string> argv;
  uint64_t time_ns = 0;  // since trace start
  bool operator==(const ExecStep&) const = default;
};

// The process tree with all that every process ran, where ProcessTree keeps the last only.
class ProcessHistory : public Analysis {
 public:
  Cap needs() const override { return Cap::kProcesses; }
  Result<void> on_event(const Event& event) override;

  const ProcessTree& tree() const { return tree_; }
  // In order; empty for a process that only ever ran what its parent did.
  const std::vector<ExecStep>& steps(ProcessKey key) const;

 private:
  ProcessTree tree_;
  std::unordered_map<ProcessKey, std::vector<ExecStep>, ProcessKeyHash> steps_;
};

// A process and how deep in the tree it is.
struct TreePlace {
  size_t index = 0;     // into ProcessTree::processes()
  size_t depth = 0;     // 0: nobody's child
  bool last = false;    // no later child of the same parent follows
  bool orphan = false;  // ended later than its parent did
};
// Parents before children, in order of appearance. Takes no more than linear time and no recursion
// however deep the tree; where a damaged log makes processes each other's parents, the first of
// them to appear counts as nobody's child.
std::vector<TreePlace> tree_order(const ProcessTree& tree);

}  // namespace fptrace
