#include "backends/emu/plugin/taint_feed.h"

#include <cstring>

#include "backends/emu/plugin/plugin_channel.h"
#include "backends/emu/taint/pieces.h"
#include "common/base/signal_free_thread.h"

namespace fptrace::emu {

using taint::Access;

namespace {

// A value of so many bytes, as words. By its size: a processor waits when it reads more at once
// than was just written.
uint64_t* write_value(const uint8_t* bytes, uint32_t size, uint64_t* words) {
  const auto read = [&bytes](auto value) {
    std::memcpy(&value, bytes, sizeof value);
    bytes += sizeof value;
    return value;
  };
  if (size == 8)
    *words++ = read(uint64_t());
  else if (size == 4)
    *words++ = read(uint32_t());
  else if (size == 1)
    *words++ = read(uint8_t());
  else if (size == 2)
    *words++ = read(uint16_t());
  else {
    *words++ = read(uint64_t());
    *words++ = read(uint64_t());
  }
  return words;
}

// The same of what is not in RAM, or not in one piece.
[[gnu::noinline]] uint64_t* ask_value(qemu_plugin_meminfo_t info, uint32_t size, uint64_t* words) {
  const qemu_plugin_mem_value value = qemu_plugin_mem_get_value(info);
  return write_value(reinterpret_cast<const uint8_t*>(&value.data), size, words);
}

}  // namespace

TaintFeed::TaintFeed(const TaintHost& host)
    : host_(host),
      follower_(*host.wire, *host.ram),
      active_word_{qemu_plugin_scoreboard_new(sizeof(uint64_t)), 0},
      active_(static_cast<uint64_t*>(qemu_plugin_scoreboard_find(active_word_.score, 0))),
      translations_(*host.ram, follower_.memory()) {}

// --- Accesses ------------------------------------------------------------------------------------

void TaintFeed::on_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr,
                          bool is_store) {
  if (only_tells_)
    tell_access(place, info, vaddr, is_store);
  else
    on_other_access(place, info, vaddr, is_store);
}

inline void TaintFeed::tell_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr,
                                   bool is_store) {
  if (&place.block() != told_block_) [[unlikely]]
    tell_elsewhere(place);
  const Translations::Page& page = translations_.find(info, vaddr);
  const uint32_t size = sizes_.of(info);
  const bool crosses = vaddr % kPageSize + size > kPageSize;
  uint64_t* const words = writer_.room();
  words[0] = AccessWords::first(place.index(), vaddr);
  words[1] = AccessWords::second(page.paddr, size, is_store, crosses);
  uint64_t* end;
  // What RAM has now is what has just been loaded or stored there.
  if (page.bytes && !crosses) [[likely]] {
    end = write_value(page.bytes + vaddr % kPageSize, size, words + 2);
  } else {
    end = ask_value(info, size, words + 2);
    if (crosses) *end++ = translations_.paddr_of_next_page(info, vaddr);
  }
  writer_.wrote(size_t(end - words));
}

void TaintFeed::on_other_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr,
                                bool is_store) {
  if (!any_label_) return;
  if (checks_translations()) check_translation(info, vaddr);
  if (tells())
    tell_access(place, info, vaddr, is_store);
  else
    on_clean_access(place, info, vaddr, is_store);
}

void TaintFeed::on_clean_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr,
                                bool is_store) {
  if (const uint64_t count = now(); count != seen_count_) {
    seen_count_ = count;
    seen_size_ = 0;
  }
  if (seen_size_ < kMostSeen) seen_[seen_size_++] = {vaddr, info, is_store};
  const bool may_cross = vaddr % kPageSize > kPageSize - Access::kMostBytes;
  if (!translations_.shadow(info, vaddr) && !may_cross) return;
  const Access access = describe(place, {vaddr, info, is_store});
  if (!taint::any_label(follower_.memory(), access)) return;
  if (is_store) return taint::clear(follower_.memory(), access);
  start_telling();
  tell_elsewhere(place);
  for (uint32_t i = 0; i < seen_size_; ++i) {
    uint64_t* const words = writer_.room();
    writer_.wrote(size_t(taint::write_access(words, describe(place, seen_[i])) - words));
  }
}

// The value is what memory has now: right for what has just been accessed.
Access TaintFeed::describe(CodePlace place, const SeenAccess& seen) {
  Access access{};
  access.instruction = uint16_t(place.index());
  access.vaddr = seen.vaddr;
  access.paddr = translations_.find(seen.info, seen.vaddr).paddr + seen.vaddr % kPageSize;
  access.size = sizes_.of(seen.info);
  access.is_store = seen.is_store;
  const uint32_t beyond = access.bytes_on_next_page(), here = access.size - beyond;
  if (beyond != 0) access.paddr2 = translations_.paddr_of_next_page(seen.info, seen.vaddr);
  if (const uint8_t* bytes = host_.ram->at(access.paddr, here))
    std::memcpy(access.value, bytes, here);
  if (const uint8_t* bytes = beyond != 0 ? host_.ram->at(access.paddr2, beyond) : nullptr)
    std::memcpy(access.value + here, bytes, beyond);
  return access;
}

void TaintFeed::check_translation(qemu_plugin_meminfo_t info, uint64_t vaddr) {
  ++checked_;
  wrong_translations_ += Translations::ask(info, vaddr) != translations_.find(info, vaddr).paddr;
}

// --- What the follower is told -------------------------------------------------------------------

inline void TaintFeed::tell(GuestStep step, uint64_t rest, uint64_t value) {
  write_step(writer_.room(), step, rest, value);
  writer_.wrote(2);
}

void TaintFeed::on_block(CodeBlock& block) {
  if (idle_.load(std::memory_order_relaxed)) [[unlikely]] {
    writer_.wait_until_read();
    if (!follower_.active()) return stop_telling();
    idle_ = false;
  }
  tell_kernel_task();
  told_block_ = &block;
  tell(GuestStep::kBlock, CodePlace(block, 0).bits(), now());
  locate(block);
}

void TaintFeed::tell_elsewhere(CodePlace place) {
  told_block_ = &place.block();
  tell(GuestStep::kElsewhere, place.bits(), now());
  locate(place.block());
}

// What runs it is at the end of a block not at its address any more, so this is asked in advance.
inline void TaintFeed::locate(CodeBlock& block) {
  // Only the kernel makes another task the current one.
  if (!block.is_user)
    task_ = 0;
  else if (task_ == 0)
    task_ = host_.current_task();
  if (block.located_task == task_ && block.located_time == time_) return;
  block.located_task = task_;
  block.located_time = time_;
  uint64_t* const words = writer_.room();
  *write_step(words, GuestStep::kLocated, CodePlace(block, 0).bits(), task_) =
      host_.pc(block.translated);
  writer_.wrote(3);
}

// What the kernel's code did is the current task's when it is over.
inline void TaintFeed::tell_kernel_task() {
  if (!told_block_ || told_block_->is_user) return;
  const uint64_t task = host_.current_task();
  if (task == told_task_) return;
  told_task_ = task;
  tell(GuestStep::kTask, 0, task);
}

void TaintFeed::finish() {
  if (tells()) {
    tell_kernel_task();
    tell(GuestStep::kFinish, 0, now());
    writer_.wait_until_read();
  }
  for (const Report& report : follower_.take_reports()) add_report(*host_.wire, report);
}

void TaintFeed::start_telling() {
  if (!has_thread_) start_thread();
  idle_ = false;
  told_block_ = nullptr;
  *active_ = 1;
  choose_path();
}

void TaintFeed::stop_telling() {
  task_ = 0;
  *active_ = 0;
  choose_path();
}

void TaintFeed::choose_path() { only_tells_ = tells() && !checks_translations(); }

// --- The thread that follows ---------------------------------------------------------------------

void TaintFeed::start_thread() {
  const auto run = [](void* self) -> void* {
    static_cast<TaintFeed*>(self)->follow();
    return nullptr;
  };
  pthread_t thread;
  if (start_signal_free_thread(thread, "fptrace-labels", run, this) != 0)
    give_up("fptrace plugin: no thread to follow labels with\n");
  ::pthread_detach(thread);
  has_thread_ = true;
}

// As long as the process lives.
void TaintFeed::follow() {
  for (WordReader reader(queue_);;) {
    const bool was_active = follower_.active();
    follower_.follow(reader.wait());
    idle_.store(!was_active && !follower_.active(), std::memory_order_relaxed);
    reader.done();
  }
}

// --- The host asks -------------------------------------------------------------------------------

bool TaintFeed::handle(Request& request) {
  finish();
  ++time_;
  follower_.counts().checked = checked_;
  follower_.counts().wrong_translations = wrong_translations_;
  if (!follower_.handle(request)) return false;
  any_label_ = follower_.any_label();
  if (tells() && !any_label_) stop_telling();
  if (follower_.holds_labels() && !follower_.active()) activate();
  choose_path();
  return true;
}

// Registers have just got labels.
void TaintFeed::activate() {
  if (!tells()) start_telling();
  follower_.activate();
  if (here_.bits() != 0 && here_count_ == now()) {
    follower_.activate(here_, now());
    tell_elsewhere(here_);
  }
}

}  // namespace fptrace::emu
