#include "backends/emu/plugin/label_follower.h"

#include <dlfcn.h>

#include <algorithm>
#include <string>
#include <utility>

#include "backends/emu/taint/pieces.h"

namespace fptrace::emu {

using taint::Access;
using taint::kNoLabel;
using taint::LabelId;

namespace {

// The compiler of hot blocks, beside this very plugin if it was built.
std::string compiler_file() {
  Dl_info self;
  if (::dladdr(reinterpret_cast<void*>(&compiler_file), &self) == 0 || !self.dli_fname) return {};
  const std::string plugin = self.dli_fname;
  return plugin.substr(0, plugin.rfind('/') + 1) + "fptrace_taint_jit.so";
}

}  // namespace

LabelFollower::LabelFollower(Wire& wire, const GuestRam& ram)
    : wire_(wire), ram_(ram), hot_blocks_(compiler_file()) {}

void LabelFollower::follow(std::span<const uint64_t> steps) {
  const uint64_t* word = steps.data();
  const uint64_t* const end = word + steps.size();
  while (word != end) {
    if (step_of(word[0]) == GuestStep::kAccess) {
      word = access(word);
      continue;
    }
    const CodePlace place = place_of(word[0]);
    switch (step_of(word[0])) {
      case GuestStep::kAccess:
        break;
      case GuestStep::kBlock:
        begin(place.block(), word);
        break;
      case GuestStep::kLocated:
        place.block().task = word[1];
        place.block().vaddr = word[2];
        break;
      case GuestStep::kTask:
        kernel_task_ = word[1];
        break;
      case GuestStep::kElsewhere:
        read_unread(word);
        run_elsewhere(place, word[1]);
        break;
      case GuestStep::kFinish:
        read_unread(word);
        finish(word[1]);
        break;
    }
    word += words_of_step(word);
  }
  read_unread(end);
}

// --- Accesses ------------------------------------------------------------------------------------

inline const uint64_t* LabelFollower::access(const uint64_t* words) {
  if (!active_) return access_while_inactive(words);
  if (pending_.unread) {
    if (!any_label(words)) return words + words_of_step(words);
    read_unread(words);
  }
  const uint32_t instruction = place_of(words[0]).index();
  const bool is_next = running_ == pending_.block && !pending_.reissued;
  const uint32_t place = is_next ? instruction : place_in_log(instruction);
  Access& access = pending_.log.add();
  const uint64_t* const next = read_access(words, access);
  access.instruction = uint16_t(place);
  if (load_labels(access)) touch(instruction, access);
  return next;
}

// Whether there may be one where that access is.
inline bool LabelFollower::any_label(const uint64_t* words) const {
  if ((words[1] & AccessWords::kCrosses) != 0) return true;
  return memory_.any(AccessWords::paddr(words), AccessWords::size(words));
}

// What the block accessed up to there met no label, and is to be in the log after all.
inline void LabelFollower::read_unread(const uint64_t* end) {
  if (pending_.unread) read_unread_slowly(end);
}

void LabelFollower::read_unread_slowly(const uint64_t* end) {
  const uint64_t* word = std::exchange(pending_.unread, nullptr);
  while (word != end) {
    if (step_of(*word) == GuestStep::kAccess) {
      Access& access = pending_.log.add();
      word = read_access(word, access);
      (void)load_labels(access);
    } else {
      word += words_of_step(word);
    }
  }
}

// Before the block stores anything, so that they are what will be loaded. False: there are none.
inline bool LabelFollower::load_labels(Access& access) {
  pending_.has_stored |= access.is_store != 0;
  if (pending_.has_stored) return taint::any_label(memory_, access);
  LabelId* const labels = pending_.log.room_for_labels();
  access.labels = labels;
  return taint::load_all(memory_, access, labels);
}

const uint64_t* LabelFollower::access_while_inactive(const uint64_t* words) {
  Access access;
  const uint64_t* const next = read_access(words, access);
  const uint64_t count = count_at(access.instruction);
  if (count != seen_count_) {
    seen_count_ = count;
    seen_.clear();
  }
  seen_.push_back(access);
  if (!taint::any_label(memory_, access)) return next;
  if (access.is_store) {
    taint::clear(memory_, access);
    return next;
  }
  activate(CodePlace(*running_, access.instruction), count);
  for (const Access& one : seen_) {
    pending_.log.add() = one;
    if (taint::any_label(memory_, one)) touch(one.instruction, one);
  }
  return next;
}

// Of an instruction that is perhaps not of the block that was told to begin.
uint32_t LabelFollower::place_in_log(uint32_t instruction) {
  const uint64_t count = count_at(instruction);
  if (!pending_.block) activate(CodePlace(*running_, instruction), count);
  const auto begun = uint32_t(count - pending_.base);
  if (running_ != pending_.block && !pending_.reissued) {
    pending_.reissued = true;
    AccessLog& log = pending_.log;
    while (!log.all().empty() && log.all().back().instruction + 1u == begun) log.remove_last();
  }
  return pending_.reissued ? begun - 1 : instruction;
}

// It meets a label.
void LabelFollower::touch(uint32_t instruction, const Access& access) {
  pending_.touched = true;
  if (!access.is_store && running_->is_user) note_holder(instruction, access);
}

// --- Blocks --------------------------------------------------------------------------------------

void LabelFollower::decode(CodeBlock& block) {
  std::vector<taint::BlockCache::Piece> pieces;
  const auto* const bytes = reinterpret_cast<const uint8_t*>(block.bytes.data());
  for (size_t i = 0; i < block.sites.size(); ++i) {
    const size_t begin = block.sites[i].offset;
    const bool is_last = i + 1 == block.sites.size();
    const size_t end = is_last ? block.bytes.size() : block.sites[i + 1].offset;
    pieces.push_back({bytes + begin, end - begin});
  }
  block.ops = &blocks_.find(pieces, block.is_64bit);
  block.reads = block.ops->summary.reads;
  block.address_reads = block.ops->summary.address_reads;
  block.kills = block.ops->summary.kills;
  block.has_unmodelled = block.ops->has_unmodelled;
}

bool LabelFollower::reads_none(CodeBlock& block) {
  if (!block.ops) decode(block);
  const taint::RegisterMask reads = block.reads | (policy_.pointers ? block.address_reads : 0);
  return (reads & registers_.labelled) == 0;
}

inline void LabelFollower::begin_block(CodeBlock& block, uint32_t first, uint64_t base) {
  pending_.block = &block;
  pending_.first = first;
  pending_.base = base;
  pending_.touched = pending_.has_stored = pending_.reissued = false;
  pending_.reads_none = reads_none(block);
  pending_.unread = nullptr;
  pending_.log.clear();
}

// Those before it in its block met no label.
void LabelFollower::activate(CodePlace place, uint64_t count) {
  if (!active_) ++counts_.activations;
  active_ = true;
  begin_block(place.block(), place.index(), count - (place.index() + 1));
}

void LabelFollower::deactivate() {
  active_ = false;
  pending_.block = nullptr;
  pending_.unread = nullptr;
  pending_.log.clear();
}

// All of it, which moves no label.
inline void LabelFollower::carry_out_quietly(const CodeBlock& block) {
  registers_.clear(block.kills);
  ++counts_.quiet_blocks;
  pending_.log.clear();
}

// `words` is the step that says so.
inline void LabelFollower::begin(CodeBlock& block, const uint64_t* words) {
  __builtin_prefetch(&block);
  const uint64_t base = words[1];
  running_ = &block;
  running_base_ = base;
  if (CodeBlock* const before = pending_.block) {
    const auto begun = uint32_t(base - pending_.base);
    const bool all = begun >= before->size;
    if (all && pending_.first == 0 && pending_.is_quiet() && !before->has_unmodelled) {
      ++counts_.blocks;
      carry_out_quietly(*before);
    } else {
      read_unread(words);
      // Of those begun the last one faulted, unless it is the last one of all.
      const bool faulted = !all && !pending_.reissued && begun != 0;
      carry_out(std::min(begun, before->size) - faulted);
    }
  }
  if (registers_.labelled == 0) return deactivate();
  begin_block(block, 0, base);
  if (pending_.reads_none) pending_.unread = words + 2;
}

void LabelFollower::run_elsewhere(CodePlace place, uint64_t count) {
  running_ = &place.block();
  running_base_ = count - (place.index() + 1);
}

void LabelFollower::finish(uint64_t count) {
  if (!pending_.block) return;
  const auto begun = uint32_t(count - pending_.base);
  if (begun != 0) carry_out(std::min(begun, pending_.block->size) - 1);
}

// Up to, and without, `last`.
void LabelFollower::carry_out(uint32_t last) {
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

void LabelFollower::execute_block(CodeBlock& block, uint32_t first, uint32_t last) {
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
void LabelFollower::tidy() {
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

void LabelFollower::count_unmodelled(const taint::Block& ops, uint32_t first, uint32_t last) {
  for (uint32_t i = first; i < last; ++i) {
    const taint::Instruction& instruction = ops.instructions[i];
    if ((instruction.flags & taint::Instruction::kUnmodelled) == 0) continue;
    const uint16_t number = instruction.mnemonic;
    if (number >= unmodelled_.size()) unmodelled_.resize(number + 1u);
    if (unmodelled_[number].times++ == 0) unmodelled_kinds_.push_back(number);
    ++counts_.unmodelled;
  }
}

void LabelFollower::report_findings(CodeBlock& block, uint64_t base) {
  using Kind = taint::Finding::Kind;
  const uint32_t holder = findings_.holder_of(block.is_user ? block.task : kernel_task_);
  for (uint32_t i = 0; i < found_.count; ++i) {
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
  found_.count = 0;
}

// A program loads labelled bytes.
void LabelFollower::note_holder(uint32_t instruction, const Access& access) {
  LabelId loaded[Access::kMostBytes];
  const LabelId* labels = access.labels;
  if (!labels) {
    taint::load_all(memory_, access, loaded);
    labels = loaded;
  }
  const uint32_t holder = findings_.holder_of(running_->task);
  const uint64_t count = count_at(instruction);
  LabelId first = kNoLabel;
  for (uint32_t i = 0; i < access.size; ++i)
    if (findings_.hold(holder, labels[i], count)) first = labels[i];
  if (first == kNoLabel) return;
  const uint64_t vaddr = running_->vaddr + running_->sites[instruction].offset;
  report(TaintFindingKind::kHolder, first, count, vaddr, holder, holder);
}

void LabelFollower::report(TaintFindingKind kind, LabelId set, uint64_t count, uint64_t vaddr,
                           uint32_t entry, uint32_t holder) {
  const uint64_t task = findings_.task_of(holder);
  reports_.push_back({report_kind(kind), set, count, task, vaddr, {entry, holder}});
}

std::vector<Report> LabelFollower::take_reports() { return std::exchange(reports_, {}); }

}  // namespace fptrace::emu
