#pragma once
#include <cstdint>
#include <vector>

#include "backends/emu/taint/label_bitmap.h"
#include "backends/emu/taint/label_sets.h"

namespace fptrace::emu::taint {

// What the engine saw instructions do with labels, by task and address. Everything depends on the
// order of the calls alone. One thread.

enum class SiteKind : uint8_t { kBranch, kJump, kInstruction };

// One instruction as one task executed it.
struct Site {
  // First what is looked at each time.
  uint64_t vaddr;
  uint64_t times;
  uint32_t holder;   // the task, as an index of holders()
  uint32_t reports;  // how often its set was told
  LabelId last;      // what came the last time, or one of the times before
  SiteKind kind;
  uint32_t depth;      // the greatest that came here
  LabelBitmap labels;  // all that came
  uint64_t first_count;

  bool is(SiteKind its_kind, uint32_t its_holder, uint64_t its_vaddr) const {
    return vaddr == its_vaddr && holder == its_holder && kind == its_kind;
  }
};

// A task, as long as it lives.
struct Holder {
  uint64_t task;
  uint64_t first_count;  // when it first had a label in user mode; 0: never
  uint32_t depth;        // the greatest of what it had there
  LabelBitmap labels;    // all that it had there
  bool gone;
};

class Findings {
 public:
  // `sets` must outlive it.
  explicit Findings(LabelSets& sets) : sets_(sets) {}

  // Of a task that lives; makes an entry at first.
  uint32_t holder_of(uint64_t task) {
    return task == last_task_ && last_holder_ < holders_.size() ? last_holder_ : find_holder(task);
  }
  // Whoever has its address next is another one.
  void forget(uint64_t task);

  // `set` came to the instruction; `count`: of instructions. Returns what is to be told, a set that
  // stays, or kNoLabel: it is told the first time, and while the site's set grows, but no more than
  // `reports_per_site` times. `site`: its index; before, where it was the last time, or anything.
  LabelId note(SiteKind kind, uint32_t holder, uint64_t vaddr, LabelId set, uint64_t count,
               uint32_t reports_per_site, uint32_t& site) {
    if (site < sites_.size() && !LabelSets::is_stored(set)) {
      Site& known = sites_[site];
      if (known.is(kind, holder, vaddr) && known.reports >= reports_per_site &&
          add_quickly(known.labels, set)) {
        ++known.times;
        return kNoLabel;
      }
    }
    return note_slowly(kind, holder, vaddr, set, count, reports_per_site, site);
  }
  // The task has it in user mode, in memory. Whether it is its first label.
  bool hold(uint32_t holder, LabelId set, uint64_t count) {
    if (set == kNoLabel) return false;
    if (LabelSets::is_stored(set)) {
      if (holder == cached_holder_ && cache_[set % kCache] == set) return false;
    } else if (Holder& its = holders_[holder]; its.first_count != 0) {
      if (its.labels.add_quickly(LabelSets::label_of(set))) return false;
    }
    return hold_slowly(holder, set, count);
  }

  const std::vector<Site>& sites() const { return sites_; }
  const std::vector<Holder>& holders() const { return holders_; }
  uint64_t task_of(uint32_t holder) const { return holders_[holder].task; }

  // Of a collection of `sets`: what is told or stored here stays.
  void mark();

 private:
  static constexpr uint32_t kCache = 1 << 10;
  // Whether something of it is new, which then is no more.
  bool take_in(Site& site, uint32_t index, LabelId set);
  LabelId note_slowly(SiteKind kind, uint32_t holder, uint64_t vaddr, LabelId set, uint64_t count,
                      uint32_t reports_per_site, uint32_t& site);
  uint32_t find_holder(uint64_t task);
  // Of a set that is not stored: those have no depth.
  bool add_quickly(LabelBitmap& labels, LabelId set) {
    if (!LabelSets::is_passing(set)) return labels.add_quickly(LabelSets::label_of(set));
    const auto [one, other] = sets_.passing_labels(set);
    return labels.add_quickly(one) && labels.add_quickly(other);
  }
  bool add(LabelBitmap& labels, uint32_t& depth, LabelId set);
  bool hold_slowly(uint32_t holder, LabelId set, uint64_t count);
  Site& site_of(SiteKind kind, uint32_t holder, uint64_t vaddr, uint64_t count, uint32_t& index);
  uint32_t& place_of(SiteKind kind, uint32_t holder, uint64_t vaddr);
  void grow_index();

  LabelSets& sets_;
  std::vector<Site> sites_;
  std::vector<uint32_t> index_;  // open addressing; 1 + an index of sites_
  std::vector<Holder> holders_;
  std::vector<LabelId> told_;  // that take memory
  // Sets that a site has already; one of many runs takes its time to be added.
  struct Known {
    uint32_t site;
    LabelId set;
  };
  static constexpr uint32_t kKnown = 1 << 12;
  Known known_[kKnown] = {};
  uint64_t last_task_ = 0;
  uint32_t last_holder_ = 0;
  uint32_t cached_holder_ = 0;
  LabelId cache_[kCache] = {};  // what that holder has already
};

}  // namespace fptrace::emu::taint
