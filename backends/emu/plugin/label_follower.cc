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
    switch (step_of(*word)) {
      case GuestStep::kBlock:
        word = begin(word, end);
        continue;
      case GuestStep::kAccess:
        word = active_ ? access(word) : access_while_inactive(word);
        continue;
      case GuestStep::kLocated:
        locate(word);
        break;
      case GuestStep::kTask:
        kernel_task_ = word[1];
        break;
      case GuestStep::kElsewhere:
        run_elsewhere(place_of(*word), word[1]);
        break;
      case GuestStep::kFinish:
        finish(word[1]);
        break;
    }
    word += words_of_step(word);
  }
}

inline void LabelFollower::locate(const uint64_t* words) {
  CodeBlock& block = place_of(words[0]).block();
  block.task = words[1];
  block.vaddr = words[2];
}

// --- Accesses ------------------------------------------------------------------------------------

const uint64_t* LabelFollower::access(const uint64_t* words) {
  const uint32_t instruction = AccessWords::instruction(words);
  const bool is_next = running_ == pending_.block && !pending_.reissued;
  const uint32_t place = is_next ? instruction : place_in_log(instruction);
  Access& access = pending_.log.emplace_back();
  const uint64_t* const next = read_access(words, access);
  access.instruction = uint16_t(place);
  pending_.touched = pending_.touched || taint::any_label(memory_, access);
  return next;
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
  pending_.log = seen_;
  pending_.touched = true;
  return next;
}

// Of an instruction that is perhaps not of the block that was told to begin.
uint32_t LabelFollower::place_in_log(uint32_t instruction) {
  const uint64_t count = count_at(instruction);
  if (!pending_.block) activate(CodePlace(*running_, instruction), count);
  const auto begun = uint32_t(count - pending_.base);
  if (running_ != pending_.block && !pending_.reissued) {
    pending_.reissued = true;
    std::vector<Access>& log = pending_.log;
    while (!log.empty() && log.back().instruction + 1u == begun) log.pop_back();
  }
  return pending_.reissued ? begun - 1 : instruction;
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

void LabelFollower::begin_pending(CodeBlock& block, uint32_t first, uint64_t base) {
  pending_.block = &block;
  pending_.first = first;
  pending_.base = base;
  pending_.touched = pending_.reissued = false;
  pending_.reads_none = reads_none(block);
  pending_.log.clear();
}

// Those before it in its block met no label.
void LabelFollower::activate(CodePlace place, uint64_t count) {
  if (!active_) ++counts_.activations;
  active_ = true;
  begin_pending(place.block(), place.index(), count - (place.index() + 1));
}

void LabelFollower::deactivate() {
  active_ = false;
  pending_.block = nullptr;
}

// Whether there may be one where that access is.
inline bool LabelFollower::any_label(const uint64_t* words) const {
  return AccessWords::crosses(words) ||
         memory_.any(AccessWords::paddr(words), AccessWords::size(words));
}

// Returns the words behind what was carried out.
inline const uint64_t* LabelFollower::begin(const uint64_t* words, const uint64_t* end) {
  CodeBlock& block = place_of(words[0]).block();
  const uint64_t base = words[1];
  words += words_of_step(words);
  if (pending_.block) [[unlikely]]
    end_pending(base);
  running_ = &block;
  running_base_ = base;
  if (registers_.labelled == 0) [[unlikely]] {
    deactivate();
    return words;
  }
  if (words != end && step_of(*words) == GuestStep::kLocated) [[unlikely]] {
    locate(words);
    words += words_of_step(words);
  }
  const auto is_access = [end](const uint64_t* at) {
    return at != end && step_of(*at) == GuestStep::kAccess;
  };
  const uint64_t* next = words;
  bool quiet = reads_none(block);
  if (quiet) {
    for (; is_access(next); next += AccessWords::count(next)) quiet = quiet && !any_label(next);
  } else {
    while (is_access(next)) next += AccessWords::count(next);
  }
  // It was completed if the next one begins when it was.
  if (next == end || step_of(*next) != GuestStep::kBlock || next[1] - base != block.size)
      [[unlikely]] {
    begin_pending(block, 0, base);
    return words;
  }
  ++counts_.blocks;
  if (block.has_unmodelled) [[unlikely]]
    count_unmodelled(*block.ops, 0, block.size);
  if (quiet)
    carry_out_quietly(block);
  else
    execute_whole(block, base, {words, next});
  return next;
}

// All of it, which moves no label.
inline void LabelFollower::carry_out_quietly(const CodeBlock& block) {
  registers_.clear(block.kills);
  ++counts_.quiet_blocks;
}

void LabelFollower::execute_whole(CodeBlock& block, uint64_t base,
                                  std::span<const uint64_t> accesses) {
  begin_execution(block, base, block.size);
  if (!uses_compiler() || !hot_blocks_.run(*block.ops, accesses, policy_, state_of(block), found_))
    interpret_whole(block, accesses);
  end_execution(block);
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

// Another one begins, before which so many instructions had begun.
void LabelFollower::end_pending(uint64_t count) {
  const uint32_t size = pending_.block->size;
  const auto begun = uint32_t(count - pending_.base);
  // Of those begun the last one faulted, unless it is the last one of all.
  const bool faulted = begun < size && !pending_.reissued && begun != 0;
  carry_out(std::min(begun, size) - faulted);
  pending_.block = nullptr;
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
  std::vector<Access>& log = pending_.log;
  const auto is_later = [last](const Access& access) { return access.instruction >= last; };
  const auto its_end =
      last == block.size ? log.end() : std::find_if(log.begin(), log.end(), is_later);
  begin_execution(block, pending_.base, last - first);
  interpret(block, first, last, {log.begin(), its_end});
  log.erase(log.begin(), its_end);
  end_execution(block);
}

inline void LabelFollower::begin_execution(const CodeBlock& block, uint64_t base,
                                           uint32_t instructions) {
  executed_ = &block;
  executed_base_ = base;
  counts_.instructions += instructions;
  found_.count = 0;
}

inline void LabelFollower::end_execution(CodeBlock& block) {
  tidy();
  if (found_.count != 0) report_findings(block, executed_base_);
}

void LabelFollower::interpret_whole(CodeBlock& block, std::span<const uint64_t> accesses) {
  taint::read_accesses(accesses, whole_log_);
  interpret(block, 0, block.size, whole_log_);
}

void LabelFollower::interpret(CodeBlock& block, uint32_t first, uint32_t last,
                              std::span<const Access> log) {
  if (uses_compiler())
    hot_blocks_.execute(*block.ops, first, last, log, policy_, state_of(block), found_);
  else
    taint::execute(*block.ops, first, last, log, policy_, state_of(block), found_);
}

// No label's id is anywhere but where this looks for it.
void LabelFollower::collect() {
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
  const uint32_t holder = findings_.holder_of(block.is_of_program() ? block.task : kernel_task_);
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

// By the block that is carried out, which is a program's.
void LabelFollower::loaded(uint16_t instruction, std::span<const LabelId> labels) {
  const CodeBlock& block = *executed_;
  const uint32_t holder = findings_.holder_of(block.task);
  const uint64_t count = executed_base_ + instruction + 1;
  LabelId first = kNoLabel;
  for (const LabelId label : labels)
    if (findings_.hold(holder, label, count)) first = label;
  if (first == kNoLabel) [[likely]]
    return;
  report(TaintFindingKind::kHolder, first, count, block.vaddr + block.sites[instruction].offset,
         holder, holder);
}

void LabelFollower::report(TaintFindingKind kind, LabelId set, uint64_t count, uint64_t vaddr,
                           uint32_t entry, uint32_t holder) {
  const uint64_t task = findings_.task_of(holder);
  reports_.push_back({report_kind(kind), set, count, task, vaddr, {entry, holder}});
}

std::vector<Report> LabelFollower::take_reports() { return std::exchange(reports_, {}); }

}  // namespace fptrace::emu
