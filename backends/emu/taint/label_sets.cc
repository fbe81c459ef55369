#include "backends/emu/taint/label_sets.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fptrace::emu::taint {
namespace {

// Fewer sets, or bytes of their runs, are not worth looking for garbage. More of them, with an
// index twice as long, do not stay in a processor's second cache.
constexpr uint64_t kFirstCollection = 14000, kFirstRunBytes = 8 << 20;
constexpr size_t kFirstIndex = 1 << 12;

uint32_t hash_of(std::span<const LabelRun> runs, uint32_t depth, bool merged) {
  return uint32_t(XXH3_64bits_withSeed(runs.data(), runs.size_bytes(), depth * 2 + merged));
}

// Whether one run of `outer` has all of `inner`.
bool covers(std::span<const LabelRun> outer, std::span<const LabelRun> inner) {
  const uint32_t first = inner.front().first, last = inner.back().last;
  const auto run = std::lower_bound(outer.begin(), outer.end(), last,
                                    [](LabelRun r, uint32_t label) { return r.last < label; });
  return run != outer.end() && run->first <= first;
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
    : sets_(1),
      index_(kFirstIndex),
      memos_(new Memo[kMemos]()),
      range_memos_(new Memo[kRangeMemos]()),
      collect_at_(kFirstCollection),
      collect_runs_at_(kFirstRunBytes) {}

LabelSets::~LabelSets() {
  for (Set& set : sets_)
    if (set.count > kInPlace) delete[] set.many;
}

LabelId LabelSets::range(uint32_t first, uint32_t last) {
  const LabelRun run{first, last};
  return intern({&run, 1}, 0, false);
}

LabelId LabelSets::of(std::span<const LabelRun> runs, uint32_t depth, size_t most) {
  if (runs.empty()) return kNoLabel;
  if (runs.size() <= most) return intern(runs, depth, false);
  const LabelRun hull{runs.front().first, runs.back().last};
  return intern({&hull, 1}, depth, true);
}

LabelId LabelSets::range_of(LabelId first, LabelId last) {
  Memo& memo = range_memos_[(first ^ last << 7) % kRangeMemos];
  if (memo.a != first || memo.b != last)
    memo = {first, last, range(first & ~kSingleLabel, last & ~kSingleLabel)};
  return memo.joined;
}

LabelId LabelSets::join_all(const LabelId* ids, uint32_t count) {
  LabelId all = kNoLabel;
  for (uint32_t i = 0; i < count;) {
    LabelId piece = ids[i];
    uint32_t next = i + 1;
    // Words of a file that is labelled byte by byte.
    if ((piece & kSingleLabel) != 0) {
      while (next < count && ids[next] == piece + (next - i)) ++next;
      if (next - i > 2) piece = range_of(piece, ids[next - 1]);
      if (next - i == 2) next = i + 1;
    }
    all = join(all, piece);
    i = next;
  }
  return all;
}

LabelId LabelSets::join_slowly(LabelId a, LabelId b) {
  if (is_passing(a) || is_passing(b)) return join(keep(a), keep(b));
  const LabelId joined = unite(a, b);
  memos_[memo_index(a, b)] = {a, b, joined};
  return joined;
}

LabelId LabelSets::unite(LabelId a, LabelId b) {
  LabelRun single_a, single_b;
  const auto runs_a = runs(a, single_a), runs_b = runs(b, single_b);
  const uint32_t depth_a = depth(a), depth_b = depth(b);
  // What grows, grows by little: mostly one is within the other.
  if (depth_a >= depth_b && covers(runs_a, runs_b)) return a;
  if (depth_b >= depth_a && covers(runs_b, runs_a)) return b;
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
    scratch_.erase(scratch_.begin() + 1, scratch_.end());
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
  for (size_t at = hash & mask; index_[at].id != kNoLabel; at = (at + 1) & mask) {
    if (index_[at].hash != hash) continue;
    const Set& set = sets_[index_[at].id];
    const auto known = set.runs();
    if (set.depth == depth && set.merged == merged &&
        std::equal(runs.begin(), runs.end(), known.begin(), known.end()))
      return index_[at].id;
  }
  return add(runs, hash, depth, merged);
}

LabelId LabelSets::add(std::span<const LabelRun> runs, uint32_t hash, uint32_t depth, bool merged) {
  if ((stored_ + 1) * 2 > index_.size()) {
    std::vector<IndexEntry> wider(index_.size() * 2);
    enter_all(wider);
    index_ = std::move(wider);
  }
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
  enter(index_, {id, hash});
  return id;
}

void LabelSets::enter(std::vector<IndexEntry>& index, IndexEntry entry) {
  const size_t mask = index.size() - 1;
  size_t at = entry.hash & mask;
  while (index[at].id != kNoLabel) at = (at + 1) & mask;
  index[at] = entry;
}

void LabelSets::enter_all(std::vector<IndexEntry>& index) const {
  for (LabelId id = 1; id < sets_.size(); ++id)
    if (sets_[id].count != 0) enter(index, {id, sets_[id].hash});
}

uint64_t LabelSets::bytes() const {
  return sets_.capacity() * sizeof(Set) + index_.size() * sizeof(IndexEntry) + run_bytes_ +
         (kMemos + kRangeMemos) * sizeof(Memo);
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
  std::fill(index_.begin(), index_.end(), IndexEntry{});
  enter_all(index_);
  std::fill_n(memos_.get(), kMemos, Memo{});
  std::fill_n(range_memos_.get(), kRangeMemos, Memo{});
  collect_at_ = std::max(kFirstCollection, stored_ * 2);
  collect_runs_at_ = std::max(kFirstRunBytes, run_bytes_ * 2);
}

}  // namespace fptrace::emu::taint
