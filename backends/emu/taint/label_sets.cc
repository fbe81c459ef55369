#include "backends/emu/taint/label_sets.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fptrace::emu::taint {
namespace {

// So many sets are 24 MB with their index; fewer are not worth looking for garbage.
constexpr uint64_t kFirstCollection = 1 << 19;
constexpr size_t kFirstIndex = 1 << 12;

uint32_t hash_of(std::span<const LabelRun> runs, uint32_t depth, bool merged) {
  return uint32_t(XXH3_64bits_withSeed(runs.data(), runs.size_bytes(), depth * 2 + merged));
}

bool covers(std::span<const LabelRun> outer, LabelRun inner) {
  for (const LabelRun run : outer)
    if (run.first <= inner.first && inner.last <= run.last) return true;
  return false;
}

void merge(std::span<const LabelRun> a, std::span<const LabelRun> b, std::vector<LabelRun>& out) {
  out.clear();
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const bool from_a = j == b.size() || (i < a.size() && a[i].first < b[j].first);
    const LabelRun run = from_a ? a[i++] : b[j++];
    // Labels are below 2^31, so this does not wrap.
    if (!out.empty() && run.first <= out.back().last + 1)
      out.back().last = std::max(out.back().last, run.last);
    else
      out.push_back(run);
  }
}

}  // namespace

LabelSets::LabelSets()
    : sets_(1), index_(kFirstIndex), memos_(new Memo[kMemos]()), collect_at_(kFirstCollection) {}

LabelSets::~LabelSets() {
  for (Set& set : sets_)
    if (set.count > kInPlace) delete[] set.many;
}

std::span<const LabelRun> LabelSets::runs(LabelId id, LabelRun& single) const {
  if (id == kNoLabel) return {};
  if (is_stored(id)) return sets_[id].runs();
  single = {id & ~kSingleLabel, id & ~kSingleLabel};
  return {&single, 1};
}

LabelId LabelSets::range(uint32_t first, uint32_t last) {
  const LabelRun run{first, last};
  return intern({&run, 1}, 0, false);
}

LabelId LabelSets::join_slowly(LabelId a, LabelId b) {
  const LabelId joined = unite(a, b);
  memos_[memo_index(a, b)] = {a, b, joined};
  return joined;
}

LabelId LabelSets::unite(LabelId a, LabelId b) {
  LabelRun single_a, single_b;
  const auto runs_a = runs(a, single_a), runs_b = runs(b, single_b);
  const uint32_t depth_a = depth(a), depth_b = depth(b);
  // What grows, grows by little: mostly one is within the other.
  if (depth_a >= depth_b && runs_b.size() == 1 && covers(runs_a, runs_b[0])) return a;
  if (depth_b >= depth_a && runs_a.size() == 1 && covers(runs_b, runs_a[0])) return b;
  merge(runs_a, runs_b, scratch_);
  const auto same = [&](std::span<const LabelRun> runs) {
    return std::equal(runs.begin(), runs.end(), scratch_.begin(), scratch_.end());
  };
  if (depth_a >= depth_b && same(runs_a)) return a;
  if (depth_b >= depth_a && same(runs_b)) return b;
  const bool too_many = scratch_.size() > options_.max_runs ||
                        (scratch_.size() > kInPlace &&
                         run_bytes_ + scratch_.size() * sizeof(LabelRun) > kMostRunBytes);
  if (too_many) {
    scratch_[0].last = scratch_.back().last;
    scratch_.resize(1);
  }
  return intern(scratch_, std::max(depth_a, depth_b), too_many || is_merged(a) || is_merged(b));
}

LabelId LabelSets::deepen(LabelId id) {
  const uint32_t now = depth(id);
  if (now >= options_.max_depth) return id;
  if (is_stored(id) && sets_[id].deeper != kNoLabel) return sets_[id].deeper;
  LabelRun single;
  const auto same = runs(id, single);
  scratch_.assign(same.begin(), same.end());  // the table may move
  const LabelId deeper = intern(scratch_, now + 1, is_merged(id));
  if (is_stored(id)) sets_[id].deeper = deeper;
  return deeper;
}

LabelId LabelSets::intern(std::span<const LabelRun> runs, uint32_t depth, bool merged) {
  if (depth == 0 && runs.size() == 1 && runs[0].first == runs[0].last) return single(runs[0].first);
  const uint32_t hash = hash_of(runs, depth, merged);
  const size_t mask = index_.size() - 1;
  for (size_t at = hash & mask; index_[at] != kNoLabel; at = (at + 1) & mask) {
    const Set& set = sets_[index_[at]];
    const auto known = set.runs();
    if (set.hash == hash && set.depth == depth && set.merged == merged &&
        std::equal(runs.begin(), runs.end(), known.begin(), known.end()))
      return index_[at];
  }
  return add(runs, hash, depth, merged);
}

LabelId LabelSets::add(std::span<const LabelRun> runs, uint32_t hash, uint32_t depth, bool merged) {
  if ((stored_ + 1) * 2 > index_.size()) grow_index();
  LabelId id = free_;
  if (id != kNoLabel) {
    free_ = sets_[id].deeper;
  } else {
    id = LabelId(sets_.size());
    sets_.emplace_back();
  }
  Set& set = sets_[id];
  set.count = uint32_t(runs.size());
  set.hash = hash;
  set.deeper = kNoLabel;
  set.depth = uint16_t(depth);
  set.merged = merged;
  LabelRun* place = set.few;
  if (runs.size() > kInPlace) {
    place = set.many = new LabelRun[runs.size()];
    run_bytes_ += runs.size_bytes();
  }
  std::copy(runs.begin(), runs.end(), place);
  any_merged_ = any_merged_ || merged;
  deepest_ = std::max(deepest_, depth);
  ++stored_;
  const size_t mask = index_.size() - 1;
  size_t at = hash & mask;
  while (index_[at] != kNoLabel) at = (at + 1) & mask;
  index_[at] = id;
  return id;
}

void LabelSets::grow_index() {
  std::vector<LabelId> wider(index_.size() * 2);
  const size_t mask = wider.size() - 1;
  for (LabelId id = 1; id < sets_.size(); ++id) {
    if (sets_[id].count == 0) continue;
    size_t at = sets_[id].hash & mask;
    while (wider[at] != kNoLabel) at = (at + 1) & mask;
    wider[at] = id;
  }
  index_ = std::move(wider);
}

uint64_t LabelSets::bytes() const {
  return sets_.capacity() * sizeof(Set) + index_.size() * sizeof(LabelId) + run_bytes_ +
         kMemos * sizeof(Memo);
}

void LabelSets::begin_collection() {
  peak_bytes_ = peak_bytes();
  for (Set& set : sets_) set.marked = false;
}

void LabelSets::remove(Set& set) {
  if (set.count > kInPlace) {
    run_bytes_ -= set.count * sizeof(LabelRun);
    delete[] set.many;
  }
  set.count = 0;
  set.deeper = free_;
  free_ = LabelId(&set - sets_.data());
  --stored_;
}

void LabelSets::end_collection() {
  free_ = kNoLabel;
  // From the end, so that low ids are used again first.
  for (LabelId id = LabelId(sets_.size()); --id > 0;) {
    Set& set = sets_[id];
    if (set.count == 0) {
      set.deeper = free_;
      free_ = id;
    } else if (!set.marked) {
      remove(set);
    }
  }
  for (Set& set : sets_)
    if (set.count != 0 && is_stored(set.deeper) && sets_[set.deeper].count == 0)
      set.deeper = kNoLabel;
  std::fill(index_.begin(), index_.end(), kNoLabel);
  const size_t mask = index_.size() - 1;
  for (LabelId id = 1; id < sets_.size(); ++id) {
    if (sets_[id].count == 0) continue;
    size_t at = sets_[id].hash & mask;
    while (index_[at] != kNoLabel) at = (at + 1) & mask;
    index_[at] = id;
  }
  std::fill_n(memos_.get(), kMemos, Memo{});
  collect_at_ = std::max(kFirstCollection, stored_ * 2);
}

}  // namespace fptrace::emu::taint
