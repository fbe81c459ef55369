#include "backends/emu/taint/findings.h"

#include <algorithm>

namespace fptrace::emu::taint {
namespace {

constexpr size_t kFirstIndex = 1 << 10;

uint64_t hash_of(SiteKind kind, uint32_t holder, uint64_t vaddr) {
  uint64_t x = vaddr * 0x9e3779b97f4a7c15 + uint64_t{holder} * 4 + uint64_t(kind);
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  return x ^ x >> 32;
}

}  // namespace

uint32_t Findings::find_holder(uint64_t task) {
  last_task_ = task;
  // The youngest first: those that are gone are many.
  for (size_t i = holders_.size(); i-- > 0;)
    if (holders_[i].task == task && !holders_[i].gone) return last_holder_ = uint32_t(i);
  holders_.push_back({task, 0, 0, {}, false});
  return last_holder_ = uint32_t(holders_.size() - 1);
}

void Findings::forget(uint64_t task) {
  for (Holder& holder : holders_)
    if (holder.task == task) holder.gone = true;
  if (task == last_task_) last_holder_ = ~uint32_t{0};
}

uint32_t& Findings::place_of(SiteKind kind, uint32_t holder, uint64_t vaddr) {
  const size_t mask = index_.size() - 1;
  for (size_t at = hash_of(kind, holder, vaddr) & mask;; at = (at + 1) & mask) {
    if (index_[at] == 0) return index_[at];
    const Site& site = sites_[index_[at] - 1];
    if (site.is(kind, holder, vaddr)) return index_[at];
  }
}

void Findings::grow_index() {
  index_.assign(std::max(kFirstIndex, index_.size() * 2), 0);
  for (uint32_t i = 0; i < sites_.size(); ++i)
    place_of(sites_[i].kind, sites_[i].holder, sites_[i].vaddr) = i + 1;
}

Site& Findings::site_of(SiteKind kind, uint32_t holder, uint64_t vaddr, uint64_t count,
                        uint32_t& index) {
  if (index < sites_.size()) {
    Site& site = sites_[index];
    if (site.is(kind, holder, vaddr)) return site;
  }
  if ((sites_.size() + 1) * 2 > index_.size()) grow_index();
  uint32_t& place = place_of(kind, holder, vaddr);
  if (place == 0) {
    sites_.push_back({vaddr, 0, holder, 0, kNoLabel, kind, 0, {}, count});
    place = uint32_t(sites_.size());
  }
  index = place - 1;
  return sites_[index];
}

LabelId Findings::note_slowly(SiteKind kind, uint32_t holder, uint64_t vaddr, LabelId set,
                              uint64_t count, uint32_t reports_per_site, uint32_t& index) {
  Site& site = site_of(kind, holder, vaddr, count, index);
  ++site.times;
  if (!take_in(site, index, set) || site.reports >= reports_per_site) return kNoLabel;
  ++site.reports;
  set = sets_.keep(set);
  if (LabelSets::is_stored(set)) told_.push_back(set);
  return set;
}

bool Findings::take_in(Site& site, uint32_t index, LabelId set) {
  if (LabelSets::is_passing(set)) return add(site.labels, site.depth, set);
  if (set == site.last) return false;
  site.last = set;
  Known& known = known_[(set * 0x9e3779b1u ^ index * 0x85ebca6bu) >> 20];
  if (known.site == index && known.set == set) return false;
  known = {index, set};
  return add(site.labels, site.depth, set);
}

bool Findings::hold_slowly(uint32_t index, LabelId set, uint64_t count) {
  if (index != cached_holder_) {
    std::fill(std::begin(cache_), std::end(cache_), kNoLabel);
    cached_holder_ = index;
  }
  cache_[set % kCache] = set;
  Holder& holder = holders_[index];
  const bool first = holder.first_count == 0;
  if (first) {
    holder.first_count = count;
    if (LabelSets::is_stored(set)) told_.push_back(set);
  }
  add(holder.labels, holder.depth, set);
  return first;
}

bool Findings::add(LabelBitmap& labels, uint32_t& depth, LabelId set) {
  bool is_new = sets_.depth(set) > depth;
  depth = std::max(depth, sets_.depth(set));
  LabelRun single;
  for (const LabelRun run : sets_.runs(set, single)) is_new = labels.add(run) || is_new;
  return is_new;
}

void Findings::mark() {
  for (const Site& site : sites_) sets_.mark(site.last);
  for (const LabelId id : told_) sets_.mark(id);
  // An id that is free may come to name another set.
  std::fill(std::begin(known_), std::end(known_), Known{});
  std::fill(std::begin(cache_), std::end(cache_), kNoLabel);
}

}  // namespace fptrace::emu::taint
