#pragma once
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

// The block that runs, while registers have labels, if more is to be told of it.
struct PendingBlock {
  CodeBlock* block = nullptr;  // nullptr: there is none, or it is not known
  uint32_t first = 0;          // the first instruction that is not carried out
  uint64_t base = 0;           // of the count of instructions, when the block began
  bool touched = false;        // one of its accesses met a label
  // No register that it reads has a label: until an access meets one, it moves none.
  bool reads_none = false;
  // The last instruction was stopped for a device's sake and is executed again by a block of its
  // own, of which nothing but its accesses are seen.
  bool reissued = false;
  std::vector<taint::Access> log;  // of what is not carried out

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
// finishes it: only then is it certain that they were completed. Mostly the step where that is
// seen is at hand already when the block's own is read, and all of it is done at once; else it is
// pending. While no register has a label nothing of that is done.
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): nobody derives from it
class LabelFollower final : taint::LoadObserver {
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
  static void locate(const uint64_t* words);
  const uint64_t* begin(const uint64_t* words, const uint64_t* end);
  void run_elsewhere(CodePlace place, uint64_t count);
  const uint64_t* access(const uint64_t* words);
  const uint64_t* access_while_inactive(const uint64_t* words);
  bool any_label(const uint64_t* words) const;
  uint64_t count_at(uint32_t instruction) const { return running_base_ + instruction + 1; }
  uint32_t place_in_log(uint32_t instruction);
  [[gnu::noinline]] void begin_pending(CodeBlock& block, uint32_t first, uint64_t base);
  [[gnu::noinline]] void end_pending(uint64_t count);
  [[gnu::noinline]] void deactivate();
  void finish(uint64_t count);
  void carry_out(uint32_t last);
  void carry_out_quietly(const CodeBlock& block);
  [[gnu::noinline]] void execute_whole(CodeBlock& block, uint64_t base,
                                       std::span<const uint64_t> accesses);
  [[gnu::noinline]] void interpret_whole(CodeBlock& block, std::span<const uint64_t> accesses);
  void interpret(CodeBlock& block, uint32_t first, uint32_t last,
                 std::span<const taint::Access> log);
  void begin_execution(const CodeBlock& block, uint64_t base, uint32_t instructions);
  void end_execution(CodeBlock& block);
  bool uses_compiler() const { return options_.tier != kTaintInterpret; }
  [[gnu::noinline]] void count_unmodelled(const taint::Block& ops, uint32_t first, uint32_t last);
  [[gnu::noinline]] void report_findings(CodeBlock& block, uint64_t base);
  void loaded(uint16_t instruction, std::span<const taint::LabelId> labels) override;
  // Who loads labels is of interest where it is a program.
  const taint::State& state_of(const CodeBlock& block) const {
    return block.is_of_program() ? observed_ : state_;
  }
  void report(TaintFindingKind kind, taint::LabelId set, uint64_t count, uint64_t vaddr,
              uint32_t entry, uint32_t holder);
  void tidy() {
    if (sets_.wants_collection()) [[unlikely]]
      collect();
  }
  [[gnu::noinline]] void collect();
  bool reads_none(CodeBlock& block) {
    if (!block.ops) [[unlikely]]
      decode(block);
    const taint::RegisterMask reads = block.reads | (policy_.pointers ? block.address_reads : 0);
    return (reads & registers_.labelled) == 0;
  }
  [[gnu::noinline]] void decode(CodeBlock& block);

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
  const taint::State state_{registers_, memory_, sets_},
      observed_{registers_, memory_, sets_, this};
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

  // What is being executed.
  const CodeBlock* executed_ = nullptr;
  uint64_t executed_base_ = 0;
  std::vector<taint::Access> whole_log_;  // of a whole block, for the interpreter

  // While not active: the accesses of the instruction that began as number `seen_count_`.
  std::vector<taint::Access> seen_;
  uint64_t seen_count_ = 0;

  std::vector<Report> reports_;
  std::vector<Unmodelled> unmodelled_;      // by mnemonic
  std::vector<uint16_t> unmodelled_kinds_;  // in the order they came
  TaintSummary counts_{};
};

}  // namespace fptrace::emu
