#include "backends/emu/plugin/taint.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "backends/emu/plugin/plugin_channel.h"
#include "backends/emu/plugin/taint_state.h"
#include "backends/emu/taint/pieces.h"

namespace fptrace::emu {

using taint::Access;
using taint::kNoLabel;
using taint::LabelId;

namespace {

constexpr LabelId kNone[Access::kMostBytes] = {};

void copy_value(qemu_plugin_meminfo_t info, Access& access) {
  const qemu_plugin_mem_value value = qemu_plugin_mem_get_value(info);
  // By its size: a processor waits when it reads more at once than was just written.
  if (access.size == sizeof value.data.u64) {
    memcpy(access.value, &value.data.u64, sizeof value.data.u64);
  } else if (access.size == sizeof value.data.u32) {
    memcpy(access.value, &value.data.u32, sizeof value.data.u32);
  } else if (access.size == sizeof value.data.u8) {
    memcpy(access.value, &value.data.u8, sizeof value.data.u8);
  } else if (access.size == sizeof value.data.u16) {
    memcpy(access.value, &value.data.u16, sizeof value.data.u16);
  } else {
    const auto [low, high] = value.data.u128;
    memcpy(access.value, &low, sizeof low);
    memcpy(access.value + sizeof low, &high, sizeof high);
  }
}

// The compiler of hot blocks, beside this very plugin if it was built.
std::string compiler_file() {
  Dl_info self;
  if (::dladdr(reinterpret_cast<void*>(&start_taint), &self) == 0 || !self.dli_fname) return {};
  const std::string plugin = self.dli_fname;
  return plugin.substr(0, plugin.rfind('/') + 1) + "fptrace_taint_jit.so";
}

}  // namespace

Taint::Taint(const TaintHost& host)
    : host_(host),
      hot_blocks_(compiler_file()),
      active_word_{qemu_plugin_scoreboard_new(sizeof(uint64_t)), 0},
      active_(static_cast<uint64_t*>(qemu_plugin_scoreboard_find(active_word_.score, 0))) {}

// --- Accesses ------------------------------------------------------------------------------------

// One more of the log, of which no more is known than the instruction.
inline Access& Taint::append(CodePlace place) {
  const bool is_next = &place.block() == pending_.block && !pending_.reissued;
  const uint32_t instruction = is_next ? place.index() : place_in_log(place);
  Access& access = pending_.log.add();
  access.instruction = uint16_t(instruction);
  return access;
}

void Taint::on_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr, bool is_store) {
  if (!follows_) return on_other_access(place, info, vaddr, is_store);
  const Translations::Page& page = translations_.find(info, vaddr);
  const auto offset = uint32_t(vaddr % kPageSize);
  Access& access = append(place);
  access.vaddr = vaddr;
  access.paddr = page.paddr + offset;
  access.size = sizes_.of(info);
  access.is_store = is_store;
  bool is_labelled = false;
  if (offset + access.size > kPageSize) [[unlikely]] {
    access.paddr2 = translations_.find(info, vaddr / kPageSize * kPageSize + kPageSize).paddr;
    is_labelled = taint::any_label(memory_, access);
  } else if (page.shadow) {
    is_labelled = taint::ShadowMemory::any(*page.shadow, offset, access.size);
  }
  pending_.values_matter |= is_store;
  if (is_labelled || (pending_.values_matter && !pending_.is_quiet())) copy_value(info, access);
  // What the block stores, it has not stored yet.
  if (!pending_.values_matter) {
    if (is_labelled)
      is_labelled = load_labels(access);
    else
      access.labels = kNone;
  }
  if (is_labelled) touch(place, access);
}

// Before anything is stored, so that they are what will be loaded. False: there are none.
bool Taint::load_labels(Access& access) {
  LabelId* const labels = pending_.log.room_for_labels();
  taint::load_piece(memory_, access, 0, access.size, labels);
  access.labels = labels;
  return taint::any_label(memory_, access);
}

// While no register has a label, or translations are to be checked.
void Taint::on_other_access(CodePlace place, qemu_plugin_meminfo_t info, uint64_t vaddr,
                            bool is_store) {
  if (!any_label_) return;
  const Translations::Page& page = translations_.find(info, vaddr);
  if (checks_translations()) check_translation(info, vaddr, page.paddr);
  if (!active()) return on_clean_access(place, page, info, vaddr, is_store);
  follows_ = true;
  on_access(place, info, vaddr, is_store);
  follows_ = active() && !checks_translations();
}

void Taint::on_clean_access(CodePlace place, const Translations::Page& page,
                            qemu_plugin_meminfo_t info, uint64_t vaddr, bool is_store) {
  if (const uint64_t count = now(); count != seen_count_) {
    seen_count_ = count;
    seen_size_ = 0;
  }
  if (seen_size_ < kMostSeen) seen_[seen_size_++] = {vaddr, info, is_store};
  const bool may_cross = vaddr % kPageSize > kPageSize - Access::kMostBytes;
  if (!page.shadow && !may_cross) return;
  const Access access = describe({vaddr, info, is_store});
  if (!taint::any_label(memory_, access)) return;
  if (is_store) return taint::clear(memory_, access);
  activate(place);
  for (uint32_t i = 0; i < seen_size_; ++i) {
    const Access one = describe(seen_[i]);
    Access& access = append(place);
    const uint16_t instruction = access.instruction;
    access = one;
    access.instruction = instruction;
    if (taint::any_label(memory_, one)) touch(place, one);
  }
}

// The value is what memory has now: right for what has just been accessed.
Access Taint::describe(const SeenAccess& seen) {
  Access access{};
  access.vaddr = seen.vaddr;
  access.paddr = translations_.find(seen.info, seen.vaddr).paddr + seen.vaddr % kPageSize;
  access.size = uint8_t(1u << qemu_plugin_mem_size_shift(seen.info));
  access.is_store = seen.is_store;
  const uint32_t beyond = access.bytes_on_next_page(), here = access.size - beyond;
  if (beyond != 0)
    access.paddr2 =
        translations_.find(seen.info, seen.vaddr / kPageSize * kPageSize + kPageSize).paddr;
  if (const uint8_t* bytes = host_.ram->at(access.paddr, here)) memcpy(access.value, bytes, here);
  if (const uint8_t* bytes = beyond != 0 ? host_.ram->at(access.paddr2, beyond) : nullptr)
    memcpy(access.value + here, bytes, beyond);
  return access;
}

// Of an instruction that is perhaps not of the block that was seen to begin.
uint32_t Taint::place_in_log(CodePlace place) {
  CodeBlock& block = place.block();
  if (!pending_.block) activate(place);
  const uint32_t begun = uint32_t(now() - pending_.base);
  if (&block != pending_.block && !pending_.reissued) {
    pending_.reissued = true;
    AccessLog& log = pending_.log;
    while (!log.all().empty() && log.all().back().instruction + 1u == begun) log.remove_last();
  }
  return pending_.reissued ? begun - 1 : place.index();
}

// It meets a label.
void Taint::touch(CodePlace place, const Access& access) {
  pending_.touched = true;
  // Last: it may report, and the host may ask.
  if (!access.is_store && place.block().is_user) note_holder(place, access);
}

void Taint::check_translation(qemu_plugin_meminfo_t info, uint64_t vaddr, uint64_t paddr) {
  ++counts_.checked;
  counts_.wrong_translations += Translations::ask(info, vaddr) != paddr;
}

// --- Blocks --------------------------------------------------------------------------------------

bool Taint::reads_none(CodeBlock& block) {
  (void)blocks_.ops(block);
  const taint::RegisterMask reads = block.reads | (policy_.pointers ? block.address_reads : 0);
  return (reads & registers_.labelled) == 0;
}

// What runs it is at the end of a block not at its address any more, so this is asked in advance.
inline void Taint::locate(CodeBlock& block) {
  // Only the kernel makes another task the current one.
  if (!block.is_user)
    task_ = 0;
  else if (task_ == 0)
    task_ = host_.current_task();
  if (block.task == task_ && block.time == time_) return;
  block.task = task_;
  block.time = time_;
  block.vaddr = host_.pc(block.translated);
}

inline void Taint::begin_block(CodeBlock& block, uint32_t first, uint64_t base) {
  locate(block);
  pending_.block = &block;
  pending_.first = first;
  pending_.base = base;
  pending_.touched = pending_.reissued = false;
  pending_.reads_none = reads_none(block);
  pending_.values_matter = block.has_xsave;
  pending_.log.clear();
}

// The instruction at `place` runs, and those before it in its block met no label.
void Taint::activate(CodePlace place) {
  if (!active()) ++counts_.activations;
  set_active(true);
  begin_block(place.block(), place.index(), now() - (place.index() + 1));
}

void Taint::set_active(bool active) {
  *active_ = active;
  follows_ = active && !checks_translations();
}

void Taint::deactivate() {
  set_active(false);
  task_ = 0;
  pending_.block = nullptr;
  pending_.log.clear();
}

// All of it, which moves no label.
inline void Taint::carry_out_quietly(const CodeBlock& block) {
  registers_.clear(block.kills);
  ++counts_.quiet_blocks;
  pending_.log.clear();
}

void Taint::on_block(CodeBlock& block) {
  if (CodeBlock* const before = pending_.block) {
    const auto begun = uint32_t(now() - pending_.base);
    const bool all = begun >= before->size;
    if (all && pending_.first == 0 && pending_.is_quiet() && !before->has_unmodelled) {
      ++counts_.blocks;
      carry_out_quietly(*before);
    } else {
      // Of those begun the last one faulted, unless it is the last one of all.
      const bool faulted = !all && !pending_.reissued && begun != 0;
      carry_out(std::min(begun, before->size) - faulted);
    }
  }
  if (registers_.labelled == 0) return deactivate();
  begin_block(block, 0, now());
}

void Taint::finish() {
  if (!pending_.block) return;
  const auto begun = uint32_t(now() - pending_.base);
  if (begun != 0) carry_out(std::min(begun, pending_.block->size) - 1);
}

// Up to, and without, `last`.
void Taint::carry_out(uint32_t last) {
  CodeBlock& block = *pending_.block;
  const uint32_t first = pending_.first;
  if (first >= last) return;
  pending_.first = last;
  const bool whole = first == 0 && last == block.size;
  ++counts_.blocks;
  if (block.has_unmodelled) count_unmodelled(*block.ops, first, last);
  if (whole && pending_.is_quiet()) return carry_out_quietly(block);
  execute_block(block, first, last);
}

void Taint::execute_block(CodeBlock& block, uint32_t first, uint32_t last) {
  taint::Block& ops = *block.ops;
  counts_.instructions += last - first;
  std::span<const Access> its_log = pending_.log.all();
  if (last != block.size) {
    const auto is_later = [last](const Access& access) { return access.instruction >= last; };
    const auto end = std::find_if(its_log.begin(), its_log.end(), is_later);
    its_log = its_log.first(size_t(end - its_log.begin()));
  }
  found_.count = 0;
  const taint::State state{registers_, memory_, sets_};
  if (options_.tier == kTaintInterpret)
    taint::execute(ops, first, last, its_log, policy_, state, found_);
  else
    hot_blocks_.execute(ops, first, last, its_log, policy_, state, found_);
  pending_.log.remove_first(its_log.size());
  tidy();
  if (found_.count != 0) report_findings(block, pending_.base);
}

// No label's id is anywhere but where tidy() looks for it.
void Taint::tidy() {
  if (generation_ != memory_.generation()) {
    generation_ = memory_.generation();
    translations_.flush();
  }
  if (!sets_.wants_collection()) return;
  ++counts_.collections;
  sets_.begin_collection();
  const auto mark = [this](LabelId id) { sets_.mark(id); };
  registers_.for_each_label(mark);
  memory_.for_each_stored(mark);
  for (uint32_t i = 0; i < found_.count; ++i) mark(found_.items[i].label);
  findings_.mark();
  sets_.end_collection();
}

// --- What is found -------------------------------------------------------------------------------

void Taint::count_unmodelled(const taint::Block& ops, uint32_t first, uint32_t last) {
  for (uint32_t i = first; i < last; ++i) {
    const taint::Instruction& instruction = ops.instructions[i];
    if ((instruction.flags & taint::Instruction::kUnmodelled) == 0) continue;
    const uint16_t number = instruction.mnemonic;
    if (number >= unmodelled_.size()) unmodelled_.resize(number + 1u);
    if (unmodelled_[number].times++ == 0) unmodelled_kinds_.push_back(number);
    ++counts_.unmodelled;
  }
}

void Taint::report_findings(CodeBlock& block, uint64_t base) {
  using Kind = taint::Finding::Kind;
  const uint32_t holder = findings_.holder_of(block.is_user ? block.task : host_.current_task());
  // A report may make a stop, and a request there may carry out more.
  const uint32_t count = std::exchange(found_.count, 0);
  for (uint32_t i = 0; i < count; ++i) {
    const taint::Finding found = found_.items[i];
    if (found.kind == Kind::kUnmodelled) {
      if (found.label == kNoLabel) continue;
      ++unmodelled_[block.ops->instructions[found.instruction].mnemonic].tainted;
      ++counts_.unmodelled_tainted;
      continue;
    }
    const auto kind = found.kind == Kind::kBranch ? TaintFindingKind::kBranch
                      : found.kind == Kind::kJump ? TaintFindingKind::kJump
                                                  : TaintFindingKind::kInstruction;
    if ((options_.watch >> uint32_t(kind) & 1) == 0) continue;
    CodeSite& code = block.sites[found.instruction];
    const uint64_t vaddr = block.vaddr + code.offset;
    const uint64_t at = base + found.instruction + 1;
    const LabelId told = findings_.note(taint::SiteKind(kind), holder, vaddr, found.label, at,
                                        options_.reports_per_site, code.finding);
    if (told != kNoLabel) report(kind, told, at, vaddr, code.finding, holder);
  }
}

// A program loads labelled bytes. The log that the access is of may be gone after a report.
void Taint::note_holder(CodePlace place, const Access& access) {
  LabelId labels[Access::kMostBytes];
  taint::load_piece(memory_, access, 0, access.size, labels);
  const uint32_t holder = findings_.holder_of(task_);
  LabelId first = kNoLabel;
  for (uint32_t i = 0; i < access.size; ++i)
    if (findings_.hold(holder, labels[i], now())) first = labels[i];
  if (first == kNoLabel) return;
  const uint64_t translated = place.block().translated + place.site().offset;
  report(TaintFindingKind::kHolder, first, now(), host_.pc(translated), holder, holder);
}

void Taint::report(TaintFindingKind kind, LabelId set, uint64_t count, uint64_t vaddr,
                   uint32_t entry, uint32_t holder) {
  const uint64_t task = findings_.task_of(holder);
  add_report(*host_.wire, {report_kind(kind), set, count, task, vaddr, {entry, holder}});
}

// --- Callbacks -----------------------------------------------------------------------------------

namespace {

Taint* g_taint = nullptr;

void on_load(unsigned, qemu_plugin_meminfo_t info, uint64_t vaddr, void* place) {
  g_taint->on_access(CodePlace(place), info, vaddr, false);
}
void on_store(unsigned, qemu_plugin_meminfo_t info, uint64_t vaddr, void* place) {
  g_taint->on_access(CodePlace(place), info, vaddr, true);
}
void on_block(unsigned, void* block) { g_taint->on_block(*static_cast<CodeBlock*>(block)); }
void on_site(unsigned, void* place) { g_taint->on_site(CodePlace(place)); }
void on_flush(unsigned, void*) { g_taint->on_flush(); }

bool on_request(Wire&, Request& request) { return g_taint->handle(request); }

void out_of_memory() {
  static constexpr char kSentence[] =
      "fptrace plugin: no memory is left for the labels of taint; label less, or ask for fewer "
      "runs "
      "of labels in a set (--max-labels)\n";
  (void)!::write(STDERR_FILENO, kSentence, sizeof kSentence - 1);
  ::_exit(1);
}

}  // namespace

void start_taint(const TaintHost& host) {
  std::set_new_handler(out_of_memory);
  g_taint = new Taint(host);
  add_request_handler(on_request);
}

CodeBlock& taint_block(qemu_plugin_tb* block, bool is_user, bool is_64bit) {
  CodeBlock& code = g_taint->blocks().find(block, is_user, is_64bit);
  qemu_plugin_register_vcpu_tb_exec_cond_cb(block, on_block, QEMU_PLUGIN_CB_R_REGS,
                                            QEMU_PLUGIN_COND_NE, g_taint->active_word(), 0, &code);
  return code;
}

void taint_instruction(qemu_plugin_insn* instruction, CodeBlock& block, uint32_t index,
                       InstructionKind kind) {
  void* const place = CodePlace(block, index).to_pass();
  qemu_plugin_register_vcpu_mem_cb(instruction, on_load, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_MEM_R,
                                   place);
  qemu_plugin_register_vcpu_mem_cb(instruction, on_store, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_MEM_W,
                                   place);
  if (kind == InstructionKind::kFlush)
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_flush, QEMU_PLUGIN_CB_NO_REGS, nullptr);
  else if (kind != InstructionKind::kOther)
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_site, QEMU_PLUGIN_CB_NO_REGS, place);
}

void finish_taint() { g_taint->finish(); }

}  // namespace fptrace::emu
