#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/emu/channel/channel.h"
#include "backends/emu/channel/taint_wire.h"
#include "common/base/result.h"
#include "common/event/taint_labels.h"

namespace fptrace::emu {

// Consecutive bytes whose labels are of one kind: byte i has the one label `labels.runs[0].first` +
// i (positional), or each has all of `labels`.
struct LabelledSpan {
  uint64_t offset = 0, length = 0;  // from where the question began
  bool positional = false;
  TaintLabels labels;
  uint32_t depth = 0;  // the greatest of them

  bool may_be_positional() const {
    return positional || (length == 1 && !labels.merged && labels.count() == 1);
  }
  bool operator==(const LabelledSpan&) const = default;
};

// A set as the engine describes it.
struct DescribedSet {
  TaintLabels labels;
  uint32_t depth = 0;
};

// What to do with labels that a program, or whoever calls, puts somewhere: byte i gets `first` +
// i * `step`.
struct Labelling {
  uint32_t first = 0, step = 1;
  TaintHow how = TaintHow::kReplace;
};

// The engine that follows labels in a guest that stands still: marks memory and registers, and asks
// what has become of the marks. Addresses are physical. Errors are those of the channel.
class TaintEngine {
 public:
  explicit TaintEngine(Channel& channel) : channel_(channel) {}

  // Before there are labels.
  Result<void> start(const TaintOptions& options);

  struct Piece {
    uint64_t paddr = 0, size = 0;
    Labelling with{};
  };
  Result<void> label(std::span<const Piece> pieces);
  // One id for each byte, of all pieces one after the other. Good until the guest goes on.
  Result<std::vector<TaintSetId>> query(std::span<const Piece> pieces);
  Result<void> label_register(uint32_t number, uint32_t first_byte, uint32_t bytes,
                              const Labelling& with);
  Result<std::vector<TaintSetId>> query_register(uint32_t number);

  // Of an id that a query just gave, or that a report or a table has.
  Result<DescribedSet> describe(TaintSetId id);
  // Without those that have no label.
  Result<std::vector<LabelledSpan>> spans(std::span<const TaintSetId> ids);

  Result<TaintSummary> summary();
  // Whole tables, in the order in which their entries came up.
  Result<std::vector<TaintFinding>> findings();
  Result<std::vector<TaintHolder>> holders();
  Result<std::vector<TaintUnmodelled>> unmodelled();
  Result<void> forget_task(uint64_t task);

 private:
  Result<void> ask(TaintRequest kind, Request& request);
  Result<void> describe_all(std::span<const TaintSetId> ids,
                            std::unordered_map<TaintSetId, DescribedSet>& out);
  template <class Entry>
  Result<std::vector<Entry>> table(TaintRequest kind);

  Channel& channel_;
};

// What TaintEngine::spans() makes of bytes with these sets; `sets` has every id but 0.
std::vector<LabelledSpan> spans_of(std::span<const TaintSetId> ids,
                                   const std::unordered_map<TaintSetId, DescribedSet>& sets);

// Appends a span that comes after them, or lets it be part of the last one.
void append_span(std::vector<LabelledSpan>& all, LabelledSpan next);

}  // namespace fptrace::emu
