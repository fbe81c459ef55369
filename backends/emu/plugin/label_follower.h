#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/emu/channel/taint_wire.h"
#include "backends/emu/plugin/code_block.h"
#include "backends/emu/plugin/guest_ram.h"
#include "backends/emu/plugin/guest_steps.h"
#include "backends/emu/taint/execute.h"
#include "backends/emu/taint/findings.h"
#include "backends/emu/taint/jit/hot_blocks.h"

namespace fptrace::emu {

// Accesses to memory in the order they came. What is added is to be filled by whoever adds it.
class AccessLog {
  using LabelId = taint::LabelId;

 public:
  taint::Access& add() {
    if (end_ == limit_) grow();
    return *end_++;
  }
  // Where the labels of the last one added may be kept.
  LabelId* room_for_labels() { return labels_[size_t(end_ - items_.data()) - 1].of; }
  void forget_labels() {
    for (taint::Access* access = items_.data(); access != end_; ++access) access->labels = nullptr;
  }
  void clear() { end_ = items_.data(); }
  void remove_last() { --end_; }
  void remove_first(size_t count) {
    if (items_.data() + count == end_) return clear();
    forget_labels();  // they would be another one's
    end_ = std::copy(items_.data() + count, end_, items_.data());
  }
  std::span<const taint::Access> all() const { return {items_.data(), end_}; }

 private:
  [[gnu::noinline]] void grow() {
    const size_t size = items_.size();
    // Those that have labels refer to them.
    forget_labels();
    items_.resize(std::max<size_t>(64, 2 * size));
    labels_.resize(items_.size());
    end_ = items_.data() + size;
    limit_ = items_.data() + items_.size();
  }

  struct Labels {
    LabelId of[taint::Access::kMostBytes];
  };
  std::vector<taint::Access> items_;
  std::vector<Labels> labels_;
  taint::Access *end_ = nullptr, *limit_ = nullptr;
};

// The block that runs, while registers have labels.
struct PendingBlock {
  CodeBlock* block = nullptr;  // nullptr: not known, or no register has a label
  uint32_t first = 0;          // the first instruction that is not carried out
  uint64_t base = 0;           // of the count of instructions, when the block began
  bool touched = false;        // one of its accesses met a label
  bool has_stored = false;     // so what memory has is not what later loads see
  // No register that it reads has a label: until an access meets one, it moves none.
  bool reads_none = false;
  // The last instruction was stopped for a device's sake and is executed again by a block of its
  // own, of which nothing but its accesses are seen.
  bool reissued = false;
  // While it is quiet: the steps of its accesses, of which none is in the log. Else nullptr.
  const uint64_t* unread = nullptr;
  AccessLog log;

  // So far it has moved no label.
  bool is_quiet() const { return reads_none && !touched; }
};

struct Unmodelled {
  uint64_t times = 0, tainted = 0;
};

// All labels there are, and what moves them: the guest's steps, as they are told, and the host's
// requests. One thread at a time; the results depend on nothing but what it is told, where steps
// that would change nothing may be left out (see TaintFeed).
//
// What a block of instructions does is carried out when the next one begins, or at a step that
// finishes it: only then is it certain that they were completed. While no register has a label
// nothing of that is done.
class LabelFollower {
 public:
  LabelFollower(Wire& wire, const GuestRam& ram);

  // --- The guest went on ---
  void follow(std::span<const uint64_t> steps);
  // Registers have got labels. If it is known what runs: the instruction at `place`, number
  // `count`.
  void activate() { active_ = true; }
  void activate(CodePlace place, uint64_t count);

  // --- The host asks (taint_requests.cc) ---
  // False: it is none of ours. All that was completed must be carried out.
  bool handle(Request& request);
  // What is to be told to the host, in order, since the last call.
  std::vector<Report> take_reports();

  // Whether registers have labels: as far as they were told to, and as it is.
  bool active() const { return active_; }
  bool holds_labels() const { return registers_.labelled != 0; }
  taint::ShadowMemory& memory() { return memory_; }
  const TaintOptions& options() const { return options_; }
  // Whether there may be labels to follow at all.
  bool any_label() const { return any_label_; }
  TaintSummary& counts() { return counts_; }

 private:
  static constexpr uint64_t kPageSize = taint::kShadowPageSize;

  // label_follower.cc
  void begin(CodeBlock& block, const uint64_t* words);
  void run_elsewhere(CodePlace place, uint64_t count);
  const uint64_t* access(const uint64_t* words);
  const uint64_t* access_while_inactive(const uint64_t* words);
  bool any_label(const uint64_t* words) const;
  void read_unread(const uint64_t* end);
  void read_unread_slowly(const uint64_t* end);
  uint64_t count_at(uint32_t instruction) const { return running_base_ + instruction + 1; }
  uint32_t place_in_log(uint32_t instruction);
  bool load_labels(taint::Access& access);
  void touch(uint32_t instruction, const taint::Access& access);
  void begin_block(CodeBlock& block, uint32_t first, uint64_t base);
  void deactivate();
  void finish(uint64_t count);
  void carry_out(uint32_t last);
  void carry_out_quietly(const CodeBlock& block);
  void execute_block(CodeBlock& block, uint32_t first, uint32_t last);
  void count_unmodelled(const taint::Block& ops, uint32_t first, uint32_t last);
  void report_findings(CodeBlock& block, uint64_t base);
  void note_holder(uint32_t instruction, const taint::Access& access);
  void report(TaintFindingKind kind, taint::LabelId set, uint64_t count, uint64_t vaddr,
              uint32_t entry, uint32_t holder);
  void tidy();
  bool reads_none(CodeBlock& block);
  void decode(CodeBlock& block);

  // taint_requests.cc
  uint32_t set_options();
  uint32_t label_memory(Request& request);
  uint32_t query_memory(Request& request);
  uint32_t label_register(const Request& request);
  uint32_t query_register(Request& request);
  uint32_t describe_sets(Request& request);
  void summarise();
  taint::LabelId set_of(const taint::LabelBitmap& labels, uint32_t depth);
  uint32_t list_findings(Request& request);
  uint32_t list_holders(Request& request);
  uint32_t list_unmodelled(Request& request);
  bool ranges_are_in_ram(const Request& request) const;
  void label_piece(const TaintRange& range, uint64_t done, uint32_t size);

  Wire& wire_;  // of which only requests are looked at
  const GuestRam& ram_;
  TaintOptions options_ = kDefaultTaintOptions;
  taint::Policy policy_;

  taint::LabelSets sets_;
  taint::ShadowMemory memory_;
  taint::RegisterShadow registers_;
  taint::Findings findings_{sets_};
  taint::FindingList found_;  // by the block that is carried out
  taint::BlockCache blocks_;
  taint::jit::HotBlocks hot_blocks_;

  bool any_label_ = false;
  bool active_ = false;
  PendingBlock pending_;
  // The block whose instructions make the accesses that come, and of the count of instructions.
  CodeBlock* running_ = nullptr;
  uint64_t running_base_ = 0;
  uint64_t kernel_task_ = 0;  // the current one in the kernel's code

  // While not active: the accesses of the instruction that began as number `seen_count_`.
  std::vector<taint::Access> seen_;
  uint64_t seen_count_ = 0;

  std::vector<Report> reports_;
  std::vector<Unmodelled> unmodelled_;      // by mnemonic
  std::vector<uint16_t> unmodelled_kinds_;  // in the order they came
  TaintSummary counts_{};
};

}  // namespace fptrace::emu
