#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/analysis/process_tree.h"
#include "common/analysis/taint_report.h"
#include "common/event/tracer.h"

namespace fptrace {

// Which files may have come from which, told from opened files alone: on every backend, and coarse.
// The rule: an output may come from each file that was within reach of a program while it ran with
// the output open for writing. Within reach is
//  - what the program opened for reading, or was given open, but for what it runs as code;
//  - what the process that forked it had read until then, unless it runs another program: of that,
//    what is still open;
//  - what its siblings (processes of the same parent) read that lived at the same time: a pipe may
//    lead from one to the other, and pipes are not events.
// So a flow that is told need not have happened. One that is missing went another way: back to a
// parent by a pipe, by a socket, by shared memory, or by a descriptor that was passed on.
class Provenance : public Analysis {
 public:
  Cap needs() const override { return Cap::kProcesses | Cap::kFiles; }
  Result<void> on_event(const Event& event) override;

  TaintReport report() const;

 private:
  using Identity = std::pair<uint64_t, uint64_t>;  // device and inode
  struct File {
    std::string path;  // its last name
    bool code = false;
  };
  struct Descriptor {
    size_t file = 0;
    uint32_t flags = 0;
  };
  struct Process {
    ProcessKey parent;
    uint64_t begin = 0, end = 0;  // seq
    std::map<int32_t, Descriptor> open;
    std::set<size_t> reach, outputs;  // of the program that it runs now
    std::set<size_t> read;            // ever
    std::map<size_t, std::set<size_t>> flows;  // from what, of each output
  };

  size_t file(const FileRef& f);
  void open(Process& p, const FileRef& f, int32_t fd, uint32_t flags);
  void on_exec(Process& p);
  static void end_program(Process& p);

  ProcessTree tree_;
  std::string cwd_;
  bool ended_ = false;
  std::map<Identity, size_t> index_;
  std::vector<File> files_;
  std::map<ProcessKey, Process> processes_;
};

}  // namespace fptrace
