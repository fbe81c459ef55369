#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace fptrace::emu::taint {

// Names a set of labels; 0 is the empty one. A set of one label, as most are, is the label itself
// with the top bit set and takes no memory; other ids count through a table.
using LabelId = uint32_t;
inline constexpr LabelId kNoLabel = 0;
inline constexpr LabelId kSingleLabel = uint32_t{1} << 31;
// Of an id without the top bit: a passing set, see below.
inline constexpr LabelId kPassingSet = uint32_t{1} << 30;

// Labels are numbers below this.
inline constexpr uint32_t kMostLabels = kSingleLabel;

struct LabelRun {
  uint32_t first, last;  // inclusive
  uint32_t size() const { return last - first + 1; }
  bool operator==(const LabelRun&) const = default;
};

// Interned sets of labels: equal sets have equal ids, so that a union of what is known already
// costs a look-up. A set of more than `max_runs` runs becomes the one run that covers it, and is
// called merged: it claims too much, never too little.
//
// With depth, an id names a set and how many computations lie behind it; a union has the greater
// depth of its two.
//
// Sets that nothing refers to any more are reclaimed (see begin_collection()). Ends the process
// with a sentence when memory runs out, as operator new is set up to. One thread.
//
// What two bytes are compared for is looked at once, by the branch that follows, and a program
// compares all the time: such a set may be a passing one, which is not interned. Its id is good
// until forget_passing(); two may be equal and have different ids. keep() gives the id that stays.
class LabelSets {
 public:
  struct Options {
    uint32_t max_runs = 256;
    uint32_t max_depth = 0;  // 0: depth is not kept; else where it stops counting
    bool operator==(const Options&) const = default;
  };
  // However many sets there are, their runs take no more than this: then new sets are merged.
  static constexpr uint64_t kMostRunBytes = uint64_t{32} << 20;

  LabelSets();
  ~LabelSets();
  LabelSets(const LabelSets&) = delete;
  LabelSets& operator=(const LabelSets&) = delete;
  // Before the first set, for `options` are behind every id.
  void set_options(const Options& options) { options_ = options; }
  const Options& options() const { return options_; }

  static LabelId single(uint32_t label) { return kSingleLabel | label; }
  // Of such a one.
  static uint32_t label_of(LabelId single) { return single & ~kSingleLabel; }
  // Whether it takes memory.
  static bool is_stored(LabelId id) { return id != kNoLabel && id < kPassingSet; }
  static bool is_passing(LabelId id) { return (id & (kSingleLabel | kPassingSet)) == kPassingSet; }
  LabelId range(uint32_t first, uint32_t last);
  // Of what LabelSets do not limit, sorted and apart: merged when there are more than `most` runs.
  LabelId of(std::span<const LabelRun> runs, uint32_t depth, size_t most);

  LabelId join(LabelId a, LabelId b) {
    if (a == b || b == kNoLabel) return a;
    if (a == kNoLabel) return b;
    // Of two bytes that are compared, say: a pair that comes once, and need not be remembered
    // twice.
    if ((a & b & kSingleLabel) != 0 && options_.max_runs >= kInPlace) return pair_of(a, b);
    const Memo& memo = memos_[memo_index(a, b)];
    return memo.a == a && memo.b == b ? memo.joined : join_slowly(a, b);
  }
  // The same, perhaps as a passing set, which has two labels.
  LabelId join_passing(LabelId a, LabelId b) {
    const bool is_pair = a != b && (a & b & kSingleLabel) != 0;
    if (!is_pair || options_.max_depth != 0 || passing_count_ == kMostPassing ||
        options_.max_runs < kInPlace)
      return join(a, b);
    passing_[passing_count_] = pair_runs(a, b);
    return kPassingSet | passing_count_++;
  }
  LabelId keep(LabelId id) {
    return is_passing(id) ? intern(passing_[id & ~kPassingSet].all(), 0, false) : id;
  }
  // Whether it is time to keep() those in use and forget the others.
  bool many_passing() const { return passing_count_ > kMostPassing / 2; }
  void forget_passing() { passing_count_ = 0; }
  // Of all of them; quicker than one after the other.
  LabelId join_all(const LabelId* ids, uint32_t count);
  // The id of the result of a computation, not a copy, of what has `id`.
  LabelId computed(LabelId id) {
    return options_.max_depth == 0 || id == kNoLabel ? id : deepen(id);
  }

  // Sorted, apart by more than 1. Valid until the next set is made; `single` is where the run of a
  // set of one is put.
  std::span<const LabelRun> runs(LabelId id, LabelRun& single) const {
    if (is_stored(id)) return sets_[id].runs();
    if (is_passing(id)) return passing_[id & ~kPassingSet].all();
    single = {label_of(id), label_of(id)};
    return {&single, id != kNoLabel};
  }
  // The two of a passing set.
  std::pair<uint32_t, uint32_t> passing_labels(LabelId id) const {
    const Pair& pair = passing_[id & ~kPassingSet];
    return {pair.runs[0].first, pair.runs[pair.count - 1].last};
  }
  uint32_t depth(LabelId id) const { return is_stored(id) ? sets_[id].depth : 0; }
  bool is_merged(LabelId id) const { return is_stored(id) && sets_[id].merged; }
  // From outside: whether there is such a set.
  bool exists(LabelId id) const {
    return is_stored(id) ? id < sets_.size() && sets_[id].count != 0 : !is_passing(id);
  }

  // Sets that take memory now, and whether one was ever merged.
  uint64_t stored() const { return stored_; }
  bool any_merged() const { return any_merged_; }
  // The greatest depth there was.
  uint32_t deepest() const { return deepest_; }
  // Bytes of memory in use, and at most so far.
  uint64_t bytes() const;
  uint64_t peak_bytes() const { return peak_bytes_ > bytes() ? peak_bytes_ : bytes(); }

  // True when it is time to: between begin and end each id in use is marked.
  bool wants_collection() const { return stored_ >= collect_at_ || run_bytes_ >= collect_runs_at_; }
  void begin_collection();
  void mark(LabelId id) {
    if (is_stored(id)) sets_[id].marked = true;
  }
  void end_collection();

 private:
  static constexpr uint32_t kInPlace = 2;
  struct Set {
    union {
      LabelRun few[kInPlace];
      LabelRun* many;
    };
    uint32_t count = 0;  // of runs; 0: the entry is free
    uint32_t hash = 0;
    LabelId deeper = kNoLabel;  // the same set, one step on; in a free entry, the next free one
    uint16_t depth = 0;
    bool merged = false, marked = false;
    Set() : few{} {}
    std::span<const LabelRun> runs() const { return {count <= kInPlace ? few : many, count}; }
  };
  struct Memo {
    LabelId a, b, joined;
  };
  // With the hash, so that no other set is looked at on the way to one.
  struct IndexEntry {
    LabelId id = kNoLabel;
    uint32_t hash = 0;
  };
  // Of two labels: one run or two.
  struct Pair {
    LabelRun runs[2];
    uint32_t count;
    std::span<const LabelRun> all() const { return {runs, count}; }
  };
  static constexpr uint32_t kMostPassing = 512;
  static constexpr uint32_t kMemos = 1 << 15, kRangeMemos = 1 << 12;

  static uint32_t memo_index(LabelId a, LabelId b) {
    return (a * 0x9e3779b1u ^ b * 0x85ebca6bu) >> 17;
  }
  LabelId join_slowly(LabelId a, LabelId b);
  LabelId unite(LabelId a, LabelId b);
  static Pair pair_runs(LabelId a, LabelId b) {
    const uint32_t one = a & ~kSingleLabel, other = b & ~kSingleLabel;
    const uint32_t first = one < other ? one : other, last = one < other ? other : one;
    if (first + 1 == last) return {{{first, last}, {}}, 1};
    return {{{first, first}, {last, last}}, 2};
  }
  LabelId pair_of(LabelId a, LabelId b) { return intern(pair_runs(a, b).all(), 0, false); }
  LabelId range_of(LabelId first, LabelId last);
  LabelId deepen(LabelId id);
  LabelId intern(std::span<const LabelRun> runs, uint32_t depth, bool merged);
  LabelId add(std::span<const LabelRun> runs, uint32_t hash, uint32_t depth, bool merged);
  void remove(Set& set);
  static void enter(std::vector<IndexEntry>& index, IndexEntry entry);
  void enter_all(std::vector<IndexEntry>& index) const;

  Options options_;
  std::vector<Set> sets_;          // by id; the first is none
  std::vector<IndexEntry> index_;  // open addressing by hash; a power of two
  std::unique_ptr<Memo[]> memos_;
  std::unique_ptr<Memo[]> range_memos_;  // of the ranges from a to b
  Pair passing_[kMostPassing];
  uint32_t passing_count_ = 0;
  std::vector<LabelRun> scratch_;
  LabelId free_ = kNoLabel;
  uint64_t stored_ = 0, run_bytes_ = 0, peak_bytes_ = 0;
  uint64_t collect_at_, collect_runs_at_;
  uint32_t deepest_ = 0;
  bool any_merged_ = false;
};

}  // namespace fptrace::emu::taint
