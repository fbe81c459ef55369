#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/analysis/hash.h"
#include "common/event/tracer.h"

namespace fptrace {

struct Violation {
  uint64_t seq = 0;
  std::string what;
  bool operator==(const Violation&) const = default;
};

// Checks the trace itself: an error here is one of the tracer, or of a damaged log.
class Invariants : public Analysis {
 public:
  // More than this many are counted but not kept.
  static constexpr size_t kMaxKept = 1000;

  Cap needs() const override { return Cap::kNone; }
  Result<void> on_event(const Event& event) override;

  const std::vector<Violation>& violations() const { return violations_; }
  uint64_t count() const { return count_; }
  // A cut trace lacks its end; that is a violation only where the whole trace was to be seen.
  bool ended() const { return ended_; }

 private:
  struct Process {
    bool ended = false;
    std::set<int32_t> tids;
    bool to_be_described = false;  // attached to; its program comes as an ExecEvent
  };
  void violate(const Event& event, std::string what);
  void check_place(const Event& event);
  void check_body(const Event& event, Process& process);
  void begin(const Event& event, ProcessKey key, std::set<int32_t> tids);
  Process* acting(const Event& event);

  uint64_t last_seq_ = 0;
  bool started_ = false, ended_ = false, have_root_ = false;
  std::unordered_map<ProcessKey, Process, ProcessKeyHash> processes_;
  std::vector<Violation> violations_;
  uint64_t count_ = 0;
};

}  // namespace fptrace
