#include <errno.h>
#include <string.h>

#include <algorithm>

#include "backends/emu/plugin/label_follower.h"

// What the host asks about labels; see channel/taint_wire.h for what each request means.

namespace fptrace::emu {
namespace {

using taint::kNoLabel;
using taint::LabelId;
using taint::LabelSets;

static_assert(kMostTaintLabels == taint::kMostLabels && sizeof(TaintSetId) == sizeof(LabelId));
static_assert(sizeof(TaintRun) == sizeof(taint::LabelRun));

struct RegisterPlace {
  uint16_t place;
  uint16_t size;  // bytes; 0: no such register
  unsigned bit, bits;
};

RegisterPlace find_register(uint64_t number) {
  const auto index = unsigned(number);
  if (number < kTaintXmm) return {taint::gpr_at(index), 8, taint::kGprBit + index, 1};
  if (number < kTaintX87)
    return {taint::vector_at(index - kTaintXmm), taint::kVectorBytes,
            taint::kVectorBit + index - kTaintXmm, 1};
  if (number < kTaintFlags)
    return {taint::x87_at(index - kTaintX87), 10, taint::kX87Bit + index - kTaintX87, 1};
  if (number == kTaintFlags) return {taint::flag_at(0), 6, taint::kFlagBit, 6};
  return {};
}

bool are_labels(uint64_t first, uint64_t step, uint64_t count) {
  return step <= 1 && count <= kMostTaintLabels && first < kMostTaintLabels &&
         first + step * count <= kMostTaintLabels;
}

LabelId change(LabelSets& sets, uint32_t how, LabelId old, uint64_t label) {
  if (how == uint32_t(TaintHow::kClear)) return kNoLabel;
  const LabelId id = LabelSets::single(uint32_t(label));
  return how == uint32_t(TaintHow::kAdd) ? sets.join(old, id) : id;
}

template <class Entry>
std::span<Entry> mail_of(Wire& wire) {
  return {reinterpret_cast<Entry*>(wire.mail), kMailSize / sizeof(Entry)};
}

template <class Entry, class Make>
uint32_t list(Wire& wire, Request& request, size_t count, Make make) {
  const auto mail = mail_of<Entry>(wire);
  if (request.args[0] > count) return EINVAL;
  const size_t first = request.args[0], n = std::min(mail.size(), count - first);
  for (size_t i = 0; i < n; ++i) mail[i] = make(first + i);
  request.reply[0] = n;
  request.reply[1] = count;
  return 0;
}

}  // namespace

bool LabelFollower::handle(Request& request) {
  switch (TaintRequest(request.kind)) {
    case TaintRequest::kOptions:
      request.error = set_options();
      break;
    case TaintRequest::kLabelMemory:
      request.error = label_memory(request);
      break;
    case TaintRequest::kQueryMemory:
      request.error = query_memory(request);
      break;
    case TaintRequest::kLabelRegister:
      request.error = label_register(request);
      break;
    case TaintRequest::kQueryRegister:
      request.error = query_register(request);
      break;
    case TaintRequest::kDescribe:
      request.error = describe_sets(request);
      break;
    case TaintRequest::kSummary:
      summarise();
      break;
    case TaintRequest::kFindings:
      request.error = list_findings(request);
      break;
    case TaintRequest::kHolders:
      request.error = list_holders(request);
      break;
    case TaintRequest::kUnmodelled:
      request.error = list_unmodelled(request);
      break;
    case TaintRequest::kForgetTask:
      findings_.forget(request.args[0]);
      break;
    default:
      return false;
  }
  if (pending_.block) pending_.reads_none = reads_none(*pending_.block);
  return true;
}

uint32_t LabelFollower::set_options() {
  const TaintOptions wanted = mail_of<TaintOptions>(wire_)[0];
  if (wanted.max_runs == 0 || wanted.max_runs > kMostTaintRuns ||
      wanted.max_depth > kMostTaintDepth)
    return EINVAL;
  const LabelSets::Options sets{wanted.max_runs, wanted.max_depth};
  if (any_label_ && !(sets == sets_.options())) return EBUSY;
  sets_.set_options(sets);
  policy_.pointers = wanted.pointers != 0;
  policy_.instructions = (wanted.watch & kWatchInstructions) != 0;
  options_ = wanted;
  if (options_.on == 0) {
    registers_.clear(~taint::RegisterMask{0});
    deactivate();
  }
  any_label_ = options_.on != 0 && (any_label_ || memory_.labelled() != 0);
  return 0;
}

bool LabelFollower::ranges_are_in_ram(const Request& request) const {
  for (uint64_t i = 0; i < request.args[0]; ++i) {
    const TaintRange& range = mail_of<TaintRange>(wire_)[i];
    if (!ram_.at(range.paddr, range.size)) return false;
  }
  return true;
}

uint32_t LabelFollower::label_memory(Request& request) {
  const auto ranges = mail_of<TaintRange>(wire_);
  if (request.args[0] > ranges.size()) return E2BIG;
  for (const TaintRange& range : ranges.first(request.args[0]))
    if (range.how > uint32_t(TaintHow::kClear) ||
        !are_labels(range.first_label, range.step, range.size))
      return EINVAL;
  if (!ranges_are_in_ram(request)) return EFAULT;
  for (const TaintRange& range : ranges.first(request.args[0])) {
    for (uint64_t done = 0; done < range.size;) {
      const uint64_t in_page = kPageSize - (range.paddr + done) % kPageSize;
      const auto size = uint32_t(std::min(in_page, range.size - done));
      label_piece(range, done, size);
      done += size;
    }
  }
  any_label_ = any_label_ || (options_.on != 0 && memory_.labelled() != 0);
  request.reply[0] = memory_.labelled();
  tidy();
  return 0;
}

// Within a page.
void LabelFollower::label_piece(const TaintRange& range, uint64_t done, uint32_t size) {
  LabelId labels[kPageSize];
  const uint8_t* const values = ram_.at(range.paddr + done, size);
  memory_.load(range.paddr + done, size, values, labels);
  for (uint32_t i = 0; i < size; ++i)
    labels[i] = change(sets_, range.how, labels[i], range.first_label + (done + i) * range.step);
  memory_.store(range.paddr + done, size, values, labels);
}

uint32_t LabelFollower::query_memory(Request& request) {
  const auto mail = mail_of<TaintRange>(wire_);
  if (request.args[0] > mail.size()) return E2BIG;
  if (!ranges_are_in_ram(request)) return EFAULT;
  // The answer goes where the question is.
  const std::vector<TaintRange> ranges(mail.begin(), mail.begin() + ptrdiff_t(request.args[0]));
  const auto ids = mail_of<TaintSetId>(wire_);
  uint64_t all = 0;
  for (const TaintRange& range : ranges)
    if (range.size > ids.size() || (all += range.size) > ids.size()) return E2BIG;
  TaintSetId* out = ids.data();
  for (const TaintRange& range : ranges) {
    for (uint64_t done = 0; done < range.size;) {
      const uint64_t paddr = range.paddr + done;
      const auto size = uint32_t(std::min(kPageSize - paddr % kPageSize, range.size - done));
      memory_.load(paddr, size, ram_.at(paddr, size), out);
      done += size;
      out += size;
    }
  }
  request.reply[0] = all - uint64_t(std::count(ids.data(), out, kNoLabel));
  return 0;
}

uint32_t LabelFollower::label_register(const Request& request) {
  const auto [number, first, count, label, step, how] = request.args;
  const RegisterPlace found = find_register(number);
  if (first > found.size || count > found.size - first || how > uint64_t(TaintHow::kClear) ||
      !are_labels(label, step, count))
    return EINVAL;
  for (uint64_t i = 0; i < count; ++i) {
    LabelId& id = *registers_.at(uint16_t(found.place + first + i));
    id = change(sets_, uint32_t(how), id, label + i * step);
  }
  registers_.refresh(((taint::RegisterMask{1} << found.bits) - 1) << found.bit);
  any_label_ = any_label_ || registers_.labelled != 0;
  return 0;
}

uint32_t LabelFollower::query_register(Request& request) {
  const RegisterPlace found = find_register(request.args[0]);
  if (found.size == 0) return EINVAL;
  LabelId* const labels = registers_.at(found.place);
  for (uint32_t i = 0; i < found.size; ++i) labels[i] = sets_.keep(labels[i]);
  memcpy(wire_.mail, labels, found.size * sizeof(LabelId));
  request.reply[0] = found.size;
  return 0;
}

uint32_t LabelFollower::describe_sets(Request& request) {
  const auto mail = mail_of<TaintSetId>(wire_);
  if (request.args[0] > mail.size()) return E2BIG;
  const std::vector<TaintSetId> ids(mail.begin(), mail.begin() + ptrdiff_t(request.args[0]));
  for (const TaintSetId id : ids)
    if (!sets_.exists(id)) return ENOENT;
  uint64_t used = 0;
  for (const TaintSetId id : ids) {
    taint::LabelRun single;
    const auto runs = sets_.runs(id, single);
    if (used + sizeof(TaintSet) + runs.size_bytes() > kMailSize) break;
    const TaintSet set{id, uint32_t(runs.size()), sets_.depth(id), sets_.is_merged(id)};
    memcpy(wire_.mail + used, &set, sizeof set);
    if (!runs.empty()) memcpy(wire_.mail + used + sizeof set, runs.data(), runs.size_bytes());
    used += sizeof set + runs.size_bytes();
    ++request.reply[0];
  }
  return 0;
}

void LabelFollower::summarise() {
  TaintSummary& s = counts_;
  s.labelled = memory_.labelled();
  s.peak_labelled = memory_.peak_labelled();
  s.shadow_bytes = memory_.bytes();
  s.peak_shadow = memory_.peak_bytes();
  s.sets = sets_.stored();
  s.set_bytes = sets_.bytes();
  s.peak_set = sets_.peak_bytes();
  s.any_merged = sets_.any_merged();
  s.deepest = sets_.deepest();
  s.decoded_blocks = blocks_.size();
  const auto hot = hot_blocks_.counts();
  s.compiled_blocks = hot.compiled;
  s.compiled_executions = hot.fast;
  s.findings = uint32_t(findings_.sites().size());
  s.holders = uint32_t(findings_.holders().size());
  s.unmodelled_kinds = uint32_t(unmodelled_kinds_.size());
  memcpy(wire_.mail, &s, sizeof s);
}

LabelId LabelFollower::set_of(const taint::LabelBitmap& labels, uint32_t depth) {
  return sets_.of(labels.runs(), depth, kMostTaintRuns);
}

uint32_t LabelFollower::list_findings(Request& request) {
  return list<TaintFinding>(wire_, request, findings_.sites().size(), [this](size_t i) {
    const taint::Site& site = findings_.sites()[i];
    return TaintFinding{uint32_t(site.kind),
                        set_of(site.labels, site.depth),
                        site.holder,
                        site.reports,
                        findings_.task_of(site.holder),
                        site.vaddr,
                        site.first_count,
                        site.times};
  });
}

uint32_t LabelFollower::list_holders(Request& request) {
  return list<TaintHolder>(wire_, request, findings_.holders().size(), [this](size_t i) {
    const taint::Holder& holder = findings_.holders()[i];
    return TaintHolder{holder.task, holder.first_count, set_of(holder.labels, holder.depth),
                       holder.gone};
  });
}

uint32_t LabelFollower::list_unmodelled(Request& request) {
  return list<TaintUnmodelled>(wire_, request, unmodelled_kinds_.size(), [this](size_t i) {
    const uint16_t number = unmodelled_kinds_[i];
    TaintUnmodelled entry{{}, unmodelled_[number].times, unmodelled_[number].tainted};
    const char* const name = blocks_.decoder().mnemonic_name(number);
    memcpy(entry.mnemonic, name, std::min(strlen(name), sizeof entry.mnemonic - 1));
    return entry;
  });
}

}  // namespace fptrace::emu
