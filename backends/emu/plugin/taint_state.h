#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/emu/channel/taint_wire.h"
#include "backends/emu/plugin/code_block.h"
#include "backends/emu/plugin/taint.h"
#include "backends/emu/plugin/translations.h"
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
    end_->labels = nullptr;
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

// How many bytes an access has. QEMU's answer depends on `info` alone, and takes a call.
class AccessSizes {
 public:
  uint8_t of(qemu_plugin_meminfo_t info) {
    Known& known = known_[(info >> 4 ^ info >> 9) & (kKnown - 1)];
    return known.info == info ? known.size : ask(known, info);
  }

 private:
  static constexpr uint32_t kKnown = 32;
  struct Known {
    qemu_plugin_meminfo_t info = 0;  // no access's: those say that they load or store
    uint8_t size = 0;
  };
  [[gnu::noinline]] static uint8_t ask(Known& known, qemu_plugin_meminfo_t info) {
    known = {info, uint8_t(1u << qemu_plugin_mem_size_shift(info))};
    return known.size;
  }
  Known known_[kKnown];
};

// The block that runs, while registers have labels.
struct PendingBlock {
  CodeBlock* block = nullptr;  // nullptr: not known, or no register has a label
  uint32_t first = 0;          // the first instruction that is not carried out
  uint64_t base = 0;           // of the count of instructions, when the block began
  bool touched = false;        // one of its accesses met a label
  // A value is for telling whether a label is stale, be it one that this block stored before, for
  // the bytes that get one, and for XRSTOR: so it is not asked for before the first store.
  bool values_matter = false;
  // No register that it reads has a label: until an access meets one, it moves none.
  bool reads_none = false;
  // The last instruction was stopped for a device's sake and is executed again by a block of its
  // own, of which nothing but its accesses are seen.
  bool reissued = false;
  AccessLog log;

  // So far it has moved no label.
  bool is_quiet() const { return reads_none && !touched; }
};

// One access to memory as its callback was told of it.
struct SeenAccess {
  uint64_t vaddr;
  qemu_plugin_meminfo_t info;
  bool is_store;
};

struct Unmodelled {
  uint64_t times = 0, tainted = 0;
};

// All there is to taint, and the guest's execution moving it.
class Taint {
 public:
  explicit Taint(const TaintHost& host);

  // --- The guest goes on ---
  void on_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr, bool is_store);
  void on_block(CodeBlock& block);
  void on_site(CodePlace place) {
    here_ = place;
    here_count_ = now();
  }
  void on_flush() { translations_.flush(); }
  // All that was completed is carried out.
  void finish();

  // --- The host asks (taint_requests.cc) ---
  // False: it is none of ours.
  bool handle(Request& request);

  CodeBlocks& blocks() { return blocks_; }
  qemu_plugin_u64 active_word() const { return active_word_; }
  bool checks_translations() const { return options_.check != 0; }

 private:
  static constexpr uint64_t kPageSize = taint::kShadowPageSize;
  static constexpr uint32_t kMostSeen = 256;  // more than any instruction makes

  uint64_t now() const { return *host_.counter + *host_.counter_base; }
  bool active() const { return *active_ != 0; }

  // taint.cc
  void on_other_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr, bool is_store);
  void on_clean_access(CodePlace place, const Translations::Page& page, qemu_plugin_meminfo_t info,
                       uint64_t vaddr, bool is_store);
  taint::Access& append(CodePlace place);
  uint32_t place_in_log(CodePlace place);
  bool load_labels(taint::Access& access);
  void touch(CodePlace place, const taint::Access& access);
  taint::Access describe(const SeenAccess& seen);
  void locate(CodeBlock& block);
  void begin_block(CodeBlock& block, uint32_t first, uint64_t base);
  void activate(CodePlace place);
  void set_active(bool active);
  void deactivate();
  void carry_out(uint32_t last);
  void carry_out_quietly(const CodeBlock& block);
  void execute_block(CodeBlock& block, uint32_t first, uint32_t last);
  void count_unmodelled(const taint::Block& ops, uint32_t first, uint32_t last);
  void report_findings(CodeBlock& block, uint64_t base);
  void note_holder(CodePlace place, const taint::Access& access);
  void report(TaintFindingKind kind, taint::LabelId set, uint64_t count, uint64_t vaddr,
              uint32_t entry, uint32_t holder);
  void check_translation(qemu_plugin_meminfo_t info, uint64_t vaddr, uint64_t paddr);
  void tidy();
  bool reads_none(CodeBlock& block);

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
  template <class Entry, class Make>
  uint32_t list(Request& request, size_t count, Make make);
  bool ranges_are_in_ram(const Request& request) const;
  void label_piece(const TaintRange& range, uint64_t done, uint32_t size);

  const TaintHost host_;
  TaintOptions options_ = kDefaultTaintOptions;
  taint::Policy policy_;

  taint::LabelSets sets_;
  taint::ShadowMemory memory_;
  taint::RegisterShadow registers_;
  taint::Findings findings_{sets_};
  taint::FindingList found_;  // by the block that is carried out
  CodeBlocks blocks_;
  taint::jit::HotBlocks hot_blocks_;
  Translations translations_{memory_};
  uint64_t generation_ = 0;  // of the memory, that the translations are for

  qemu_plugin_u64 active_word_;
  uint64_t* active_;  // in QEMU's own code, too
  bool any_label_ = false;
  bool follows_ = false;  // registers have labels, and nothing is to be checked
  AccessSizes sizes_;
  PendingBlock pending_;
  uint64_t task_ = 0;  // that runs the pending block, if that is a program's; 0: not known
  uint64_t time_ = 1;  // another after each request: only there may a task become another program

  // The accesses of the instruction that began as number `seen_count_`, while there is no log.
  SeenAccess seen_[kMostSeen];
  uint32_t seen_size_ = 0;
  uint64_t seen_count_ = 0;

  // The instruction that is about to be executed, if the count is still this one.
  CodePlace here_{nullptr};
  uint64_t here_count_ = 0;

  std::vector<Unmodelled> unmodelled_;      // by mnemonic
  std::vector<uint16_t> unmodelled_kinds_;  // in the order they came
  TaintSummary counts_{};
};

}  // namespace fptrace::emu
