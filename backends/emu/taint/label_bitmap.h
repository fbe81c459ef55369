#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "backends/emu/taint/label_sets.h"

namespace fptrace::emu::taint {

// A set of labels that only grows, by one after the other: a bit for each label of the stretches
// that it has any of.
class LabelBitmap {
 public:
  // Whether some of them are new.
  bool add(LabelRun run) {
    if (is_in_whole(run)) return false;
    // What comes is mostly a long run that has grown.
    const bool continues = whole_.first <= run.first && run.first <= whole_.last + 1;
    const bool is_new = set({continues ? whole_.last + 1 : run.first, run.last});
    if (continues)
      whole_.last = run.last;
    else if (run.size() >= whole_.size())
      whole_ = run;
    return is_new;
  }
  // Adds it if that takes no time; else false, and nothing is done. Whether it was there is not
  // looked at: a processor would guess wrong as often as not.
  bool add_quickly(uint32_t label) {
    const size_t at = label / kLabels;
    if (at >= stretches_.size() || !stretches_[at]) return false;
    stretches_[at][label % kLabels / 64] |= uint64_t{1} << label % 64;
    return true;
  }
  bool empty() const { return stretches_.empty(); }
  // Sorted, apart by more than 1.
  std::vector<LabelRun> runs() const {
    std::vector<LabelRun> all;
    for (size_t i = 0; i < stretches_.size() * kLabels; ++i) {
      const auto& stretch = stretches_[i / kLabels];
      if (!stretch) {
        i += kLabels - 1;
        continue;
      }
      if ((stretch[i % kLabels / 64] >> (i % 64) & 1) == 0) continue;
      if (!all.empty() && all.back().last + 1 == i)
        ++all.back().last;
      else
        all.push_back({uint32_t(i), uint32_t(i)});
    }
    return all;
  }

 private:
  static constexpr uint32_t kLabels = 4096;  // of a stretch

  bool is_in_whole(LabelRun run) const {
    return whole_.first <= run.first && run.last <= whole_.last;
  }
  // Of one word.
  static uint64_t bits_of(uint64_t first, uint64_t last) {
    return (~uint64_t{0} >> (63 - (last - first))) << (first & 63);
  }
  bool set(LabelRun run) {
    bool is_new = false;
    for (uint64_t label = run.first; label <= run.last;) {
      uint64_t& word = word_of(uint32_t(label));
      const uint64_t end = std::min<uint64_t>(run.last, label | 63);
      const uint64_t bits = bits_of(label, end);
      is_new = is_new || (word & bits) != bits;
      word |= bits;
      label = end + 1;
    }
    return is_new;
  }
  uint64_t& word_of(uint32_t label) {
    const size_t at = label / kLabels;
    if (at >= stretches_.size()) stretches_.resize(at + 1);
    auto& stretch = stretches_[at];
    if (!stretch) stretch = std::make_unique<uint64_t[]>(kLabels / 64);
    return stretch[label % kLabels / 64];
  }

  std::vector<std::unique_ptr<uint64_t[]>> stretches_;
  LabelRun whole_{1, 0};  // the longest that came: all of it is there. At first none
};

}  // namespace fptrace::emu::taint
