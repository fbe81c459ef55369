#pragma once
#include <atomic>
#include <cstdint>

#include "backends/emu/plugin/code_block.h"
#include "backends/emu/plugin/label_follower.h"
#include "backends/emu/plugin/taint.h"
#include "backends/emu/plugin/translations.h"
#include "backends/emu/plugin/word_queue.h"

namespace fptrace::emu {

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

// One access to memory as its callback was told of it.
struct SeenAccess {
  uint64_t vaddr;
  qemu_plugin_meminfo_t info;
  bool is_store;
};

// The vCPU's side of following labels. While no register has a label it looks up whether what the
// guest accesses has one; from there on it tells the follower all that the guest does, which
// follows on a thread of its own, so that the guest need not wait. So the follower is the vCPU's
// while it tells nothing, and when it has waited until all is read. All functions are for the
// vCPU's thread.
class TaintFeed {
 public:
  explicit TaintFeed(const TaintHost& host);

  // --- The guest goes on ---
  void on_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr, bool is_store);
  // Only while active_word() is not 0.
  void on_block(CodeBlock& block);
  void on_site(CodePlace place) {
    here_ = place;
    here_count_ = now();
  }
  void on_flush() { translations_.flush(); }
  // All that was completed is carried out, and reported.
  void finish();

  // The host asks. False: it is none of ours.
  bool handle(Request& request);

  CodeBlocks& blocks() { return blocks_; }
  qemu_plugin_u64 active_word() const { return active_word_; }

 private:
  static constexpr uint64_t kPageSize = taint::kShadowPageSize;
  static constexpr uint32_t kMostSeen = 256;  // more than any instruction makes

  uint64_t now() const { return *host_.counter + *host_.counter_base; }
  bool tells() const { return *active_ != 0; }
  bool checks_translations() const { return follower_.options().check != 0; }

  void on_other_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr, bool is_store);
  void on_clean_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr, bool is_store);
  taint::Access describe(CodePlace place, const SeenAccess& seen);
  void tell_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr, bool is_store);
  void tell_elsewhere(CodePlace place);
  void tell_kernel_task();
  void tell(GuestStep step, uint64_t rest, uint64_t value);
  void locate(CodeBlock& block);
  void start_telling();
  void stop_telling();
  void choose_path();
  void start_thread();
  void follow();
  void activate();
  void check_translation(qemu_plugin_meminfo_t info, uint64_t vaddr);

  const TaintHost host_;
  CodeBlocks blocks_;
  LabelFollower follower_;
  qemu_plugin_u64 active_word_;
  uint64_t* active_;        // in QEMU's own code, too: whether the follower is told
  bool any_label_ = false;  // of the follower's, at the last request

  WordQueue queue_;
  bool has_thread_ = false;
  // By the follower: no register had a label since the chunk before the last one that it read.
  alignas(64) std::atomic<bool> idle_ = false;

  // What each block and access is told with, side by side.
  alignas(64) WordWriter writer_{queue_};
  CodeBlock* told_block_ = nullptr;  // that the follower takes accesses to be of
  uint64_t task_ = 0;  // that runs the block that was told, if that is a program's; 0: not known
  uint64_t time_ = 1;  // another after each request: only there may a task become another program
  bool only_tells_ = false;  // there is nothing to be checked
  uint64_t told_task_ = 0;   // as the kernel's
  AccessSizes sizes_;
  Translations translations_;

  // The accesses of the instruction that began as number `seen_count_`, while it tells nothing.
  SeenAccess seen_[kMostSeen];
  uint32_t seen_size_ = 0;
  uint64_t seen_count_ = 0;

  // The instruction that is about to be executed, if the count is still this one.
  CodePlace here_{nullptr};
  uint64_t here_count_ = 0;

  uint64_t checked_ = 0, wrong_translations_ = 0;
};

}  // namespace fptrace::emu
